// Sends the form on to the service at once. The button stays hidden for a moment, so that it does
// not flash by, and then shows: for a slow service, or a browser that stopped the script's submit.
const form = document.querySelector('form')
setTimeout(() => document.documentElement.classList.add('is-slow'), 1500)
form.submit()
