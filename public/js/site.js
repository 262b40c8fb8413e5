// Small helps; every page works without them.

// The error summary is read out first, and its links lead into the fields.
document.querySelector('.error-summary')?.focus()

// "Show password" appears only here, where it can work.
for (const button of document.querySelectorAll('[data-shows]')) {
  const input = document.getElementById(button.dataset.shows)
  const set = (shown) => {
    input.type = shown ? 'text' : 'password'
    button.firstElementChild.textContent = shown
      ? button.dataset.hideLabel
      : button.dataset.showLabel
  }
  button.hidden = false
  input.parentElement.classList.add('has-toggle')
  button.addEventListener('click', () => {
    set(input.type === 'password')
    input.focus()
  })
  // A password sent as text would be offered again as a typed value.
  input.form?.addEventListener('submit', () => set(false))
}

// On a device with a keyboard the first empty field is ready for typing.
if (matchMedia('(pointer: fine)').matches && !document.querySelector('.error-summary')) {
  const fields = [
    ...document.querySelectorAll('[data-focus] :is(input, select):not([type=hidden])'),
  ]
  fields.find((field) => field.value === '')?.focus()
}

// A second press while the answer is on its way would send the form twice.
for (const form of document.querySelectorAll('form[method=post]')) {
  form.addEventListener('submit', (event) => {
    if (form.dataset.sent) event.preventDefault()
    form.dataset.sent = 'yes'
  })
}
addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll('[data-sent]')) delete form.dataset.sent
})
