// Shows how strong a password is while it is typed (views/passwords/strength.njk). It is judged
// here, in the page. Without this file, or when it does not load, nothing is missing but the help.

for (const meter of document.querySelectorAll('[data-strength-meter]')) {
  const input = document.getElementById(meter.dataset.strengthMeter)
  const texts = JSON.parse(meter.dataset.texts)
  const step = meter.querySelector('[data-strength-step]')
  const reason = meter.querySelector('[data-strength-reason]')
  const status = meter.querySelector('[data-strength-status]')
  const username = () => meter.dataset.username || input.form?.elements.username?.value || ''

  let judge
  let isLoading = false
  /** Only once somebody is about to type: a good 100 KB. */
  async function load() {
    if (judge || isLoading) return
    isLoading = true
    const { judge: own, library, words } = meter.dataset
    const failed = meter.querySelector('[data-strength-failed]')
    try {
      const parts = await Promise.all([own, library, words].map((url) => import(url)))
      const [{ createStrengthJudge }, { ZxcvbnFactory }, { default: lists }] = parts
      judge = createStrengthJudge(ZxcvbnFactory, lists)
      update()
      if (failed) failed.hidden = true
    } catch {
      if (failed) failed.hidden = false
    }
    // What failed is tried again at the next letter.
    isLoading = false
  }

  function update() {
    if (!judge) return
    const isEmpty = input.value === ''
    meter.hidden = isEmpty && !meter.hasAttribute('data-stays')
    if (isEmpty) {
      delete meter.dataset.step
      step.textContent = ''
      reason.textContent = ''
      return
    }
    const result = judge(input.value, username().trim())
    const sentence = texts.reasons[result.reason ?? 'strong']
    meter.dataset.step = result.step
    step.textContent = texts.steps[result.step - 1]
    if (reason.textContent !== sentence) reason.textContent = sentence
  }

  // Shown when the typing pauses a moment, read out when it pauses longer.
  let pause
  let longPause
  function updateSoon() {
    clearTimeout(pause)
    clearTimeout(longPause)
    pause = setTimeout(update, 200)
    if (!status) return
    longPause = setTimeout(() => {
      status.textContent = input.value && judge ? meter.querySelector('p').textContent : ''
    }, 1200)
  }

  input.addEventListener('focus', load)
  input.addEventListener('input', () => {
    load()
    updateSoon()
  })
  // The person, or site.js, was here before this file.
  if (document.activeElement === input || input.value !== '') load()
  input.form?.elements.username?.addEventListener('input', updateSoon)
  // Where one only tries it out, the field is there only when this can work.
  const trial = meter.closest('[data-strength-trial]')
  if (trial) trial.hidden = false
}
