// The live help of views/passwords/new-password.njk; the server decides, by the same rules.

for (const part of document.querySelectorAll('.new-password')) {
  const { brokenSimpleRules } = await import(part.dataset.rulesModule)
  const rules = JSON.parse(part.dataset.rules)
  const password = part.querySelector('#password')
  const repeat = part.querySelector('#passwordRepeat')
  const items = [...part.querySelectorAll('[data-rule]')]
  const status = part.querySelector('[data-password-status]')
  const repeatState = part.querySelector('[data-repeat-state]')
  /** What strength-meter.js shows, if it could be loaded: one summary for both. */
  const strength = () =>
    part.querySelector('[data-strength-meter]:not([hidden]) > p')?.textContent ?? ''

  /** On the paper way the username is typed on the same page. */
  const username = () => part.dataset.username || password.form.elements.username?.value || ''

  function tick() {
    const broken = brokenSimpleRules(password.value, rules, username().trim())
    for (const item of items) {
      const isMet = password.value !== '' && !broken.includes(item.dataset.rule)
      item.classList.toggle('met', isMet)
      item.querySelector('[data-rule-state]').textContent = isMet ? part.dataset.met : ''
    }
    const areSame = repeat.value === password.value
    repeatState.textContent =
      repeat.value === '' ? '' : areSame ? part.dataset.same : part.dataset.differs
    repeatState.classList.toggle('met', repeat.value !== '' && areSame)
  }

  /** Read out once the person pauses, not at every letter. */
  let pause
  function summariseSoon() {
    clearTimeout(pause)
    pause = setTimeout(() => {
      if (password.value === '') return
      const met = items.filter((item) => item.classList.contains('met')).length
      const count = part.dataset.count.replace('{met}', met).replace('{total}', items.length)
      const sentence = met === items.length ? part.dataset.all : count
      status.textContent = [sentence, strength(), repeatState.textContent].join(' ').trim()
    }, 1200)
  }

  part.closest('form').addEventListener('input', (event) => {
    if (![password, repeat].includes(event.target) && event.target.name !== 'username') return
    tick()
    summariseSoon()
  })

  function show(input) {
    if (input.type === 'password') part.querySelector(`[data-shows="${input.id}"]`)?.click()
  }

  for (const suggestion of part.querySelectorAll('[data-suggestion]')) {
    const button = document.createElement('button')
    button.type = 'button'
    button.className = 'suggestion'
    button.lang = 'en'
    button.translate = false
    button.textContent = suggestion.textContent
    button.addEventListener('click', () => {
      for (const input of [password, repeat]) {
        input.value = button.textContent
        // Seen, so that it can be noted.
        show(input)
        // For all who follow what is typed.
        input.dispatchEvent(new Event('input', { bubbles: true }))
      }
      clearTimeout(pause)
      status.textContent = part.dataset.filled
      button.focus()
    })
    suggestion.replaceWith(button)
  }
  part.classList.add('is-live')
  part.querySelector('[data-without-script]').hidden = true
  part.querySelector('[data-with-script]').hidden = false
  // A browser that goes back fills the fields again.
  tick()
}
