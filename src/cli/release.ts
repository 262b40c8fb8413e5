import { openPresets } from '../attributes/presets/open-presets.ts'
import type { ServicePreset } from '../attributes/release-types.ts'
import { IdpError } from '../errors.ts'
import { readArguments, usageError } from './arguments.ts'
import type { CliContext } from './cli-context.ts'
import { explainToAdministrator } from './release-explanation.ts'
import { explanationLines } from './release-texts.ts'
import { print, printJson } from './service-input.ts'

const usage = `Usage: propylaia release explain USERNAME ENTITYID|CLIENT_ID|URL [--scopes SCOPES] [--json]
       propylaia release presets [--json]
       propylaia release preset ID [--json]

explain tells what a service gets about somebody and why, what is missing and whom to ask for it.
  Nothing is sent. National numbers show their end only. --scopes: what an OpenID Connect client asks
  for, separated by spaces or commas; all that it is registered for when absent.
presets lists the presets that say what known services get, the institution's own (PRESETS_DIR) among
  them; preset shows one. A service is given another one with: propylaia sp|client|cas override --preset
`

const options = { json: { type: 'boolean', default: false }, scopes: { type: 'string' } } as const

/** `release explain|presets|preset`: see the usage above. */
export async function releaseCommand(context: CliContext, args: string[]): Promise<number> {
  const parsed = readArguments(args, options, usage)
  if (typeof parsed === 'number') return parsed
  const { json, scopes } = parsed.values
  const [action, first, second, ...more] = parsed.positionals
  if (action === 'explain' && first && second && more.length === 0) {
    const explained = await explainToAdministrator(context, first, second, scopes)
    if (explained === undefined) {
      return usageError(
        `--scopes is for OpenID Connect clients, "${second}" is a SAML service`,
        usage,
      )
    }
    if (json) printJson(explained)
    else print(explanationLines(explained))
    return 0
  }
  const presets = () => openPresets(context.config, context.institution)
  if (action === 'presets' && first === undefined) {
    listPresets(presets(), json)
    return 0
  }
  if (action === 'preset' && first && second === undefined) {
    showPreset(first, presets(), json)
    return 0
  }
  return usageError(
    'expected: release explain USERNAME ID, release presets or release preset ID',
    usage,
  )
}

function listPresets(presets: readonly ServicePreset[], json: boolean): void {
  if (json) printJson(presets)
  else {
    print(
      presets.map(
        ({ id, name, disclosure, hosts }) =>
          `${id.padEnd(14)} ${disclosure.padEnd(7)} ${name.en}${hosts.length > 0 ? `  (${hosts.join(', ')})` : ''}`,
      ),
    )
  }
}

/** @throws {IdpError} NOT_FOUND */
function showPreset(id: string, presets: readonly ServicePreset[], json: boolean): void {
  const preset = presets.find((one) => one.id === id)
  if (!preset) {
    const message = `there is no preset "${id}"; propylaia release presets lists them`
    throw new IdpError('NOT_FOUND', message, { status: 404 })
  }
  if (json) printJson(preset)
  else print(presetLines(preset))
}

function presetLines(preset: ServicePreset): readonly string[] {
  const { name, about, basis, hosts, disclosure, legalGround, forms, attributes } = preset
  return [
    `${name.en} / ${name.el}: ${about.en}`,
    `disclosure   ${disclosure}`,
    `ground       ${legalGround.basis}: ${legalGround.text.en}`,
    `by itself    ${hosts.length > 0 ? `for services at ${hosts.join(', ')}` : 'never: it is chosen'}`,
    ...(forms ? [`forms        ${JSON.stringify(forms)}`] : []),
    ...attributes.map(({ name: attribute, isRequired, why, onlyFor }) =>
      [
        `  ${attribute.padEnd(30)} ${isRequired ? 'required' : 'optional'}`,
        onlyFor ? ` only ${onlyFor.join(', ')}` : '',
        `: ${why.en}`,
      ].join(''),
    ),
    `basis        ${basis}`,
  ]
}
