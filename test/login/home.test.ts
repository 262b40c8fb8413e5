import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { describeRoles } from '../../src/login/home-routes.ts'
import type { PersonRole } from '../../src/people/person.ts'
import type { RoleChoice } from '../../src/people/role-choice.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { HttpClient, hiddenField } from '../support/http-client.ts'
import { addPerson, testPassword } from '../support/people.ts'

const role = (kind: PersonRole['role'], change: Partial<PersonRole> = {}): PersonRole => ({
  source: kind,
  sourceId: '1',
  role: kind,
  status: 'active',
  ...change,
})

describe('The state of a role on the home page', () => {
  const now = new Date('2026-10-01T08:00:00Z')
  const stateOf = (one: PersonRole, activatedRoles?: readonly RoleChoice[]) => {
    const account = activatedRoles ? { activatedRoles } : {}
    return describeRoles({ roles: [one] }, account, now, 'el', {})[0]?.state
  }

  it('is inactive while the person can activate it and has not, also before it begins', () => {
    assert.equal(stateOf(role('staff'), ['student']), 'inactive')
    assert.equal(stateOf(role('staff', { validFrom: '2026-11-01' }), ['student']), 'inactive')
    assert.equal(stateOf(role('faculty'), ['student', 'staff']), 'current')
    assert.equal(stateOf(role('staff')), 'current')
  })

  it('is what the source says for a role that cannot be activated', () => {
    assert.equal(stateOf(role('staff', { status: 'ended' }), ['student']), 'ended')
    assert.equal(stateOf(role('staff', { status: 'suspended' }), ['student']), 'suspended')
    assert.equal(stateOf(role('staff', { validTo: '2026-09-30' }), ['student']), 'ended')
    assert.equal(stateOf(role('staff', { validFrom: '2026-10-02' }), ['staff']), 'future')
  })

  it('has the department’s name from the institution where the record lacks it', () => {
    const departments = { '1201': { name: { el: 'Τμήμα Πληροφορικής', en: 'Informatics' } } }
    const named = (change: Partial<PersonRole>) =>
      describeRoles({ roles: [role('student', change)] }, {}, now, 'el', { departments })[0]
        ?.departmentName
    assert.equal(named({ departmentCode: '1201' }), 'Τμήμα Πληροφορικής')
    assert.equal(named({ departmentCode: '1202' }), undefined)
    const departmentName = { el: 'Όνομα της πηγής', en: 'Name of the source' }
    assert.equal(named({ departmentCode: '1201', departmentName }), 'Όνομα της πηγής')
  })

  it('puts what counts first, then what waits for the person', () => {
    const roles = [
      role('affiliate', { status: 'ended' }),
      role('staff'),
      role('student', { validFrom: '2026-11-01' }),
      role('student'),
    ]
    const described = describeRoles({ roles }, { activatedRoles: ['student'] }, now, 'en', {})
    assert.deepEqual(
      described.map(({ state }) => state),
      ['current', 'inactive', 'future', 'ended'],
    )
  })
})

describe('The home page', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp()
  })
  after(() => app.close())

  /** The home page of a new person with these roles, in Greek. */
  async function homeOf(activatedRoles: readonly RoleChoice[]) {
    const roles = [role('student'), role('staff')]
    const { account } = await addPerson({ person: { roles }, account: { activatedRoles } })
    const client = new HttpClient(app.baseUrl)
    const { body } = await client.get('/login')
    const _csrf = hiddenField(body, '_csrf')
    await client.post('/login', { _csrf, username: account.username, password: testPassword })
    const home = await client.get('/')
    client.close()
    return home.body
  }

  it('invites to activate a role that is not activated yet', async () => {
    const body = await homeOf(['student'])
    assert.match(body, /Προσωπικό.*Δεν έχει ενεργοποιηθεί/s)
    assert.match(body, /<a href="\/register">Ενεργοποίηση αυτής της ιδιότητας<\/a>/)
  })

  it('has no such link when all roles are activated', async () => {
    const body = await homeOf(['student', 'staff'])
    assert.match(body, /Προσωπικό/)
    assert.doesNotMatch(body, /Δεν έχει ενεργοποιηθεί|\/register"/)
  })
})
