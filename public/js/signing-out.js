// Shows how each service takes the sign-out, as it becomes known; then the page comes again as a whole,
// with what is left to do. Without script the page asks again by itself.
const list = document.querySelector('[data-outcomes]')
const tones = { done: 'active', failed: 'locked', 'no-answer': 'locked', impossible: 'pending' }

async function look() {
  const answer = await fetch(list.dataset.outcomes, { headers: { accept: 'application/json' } })
  if (!answer.ok) throw new Error(answer.statusText)
  const { services, isOver } = await answer.json()
  if (isOver) return location.reload()
  const rows = list.querySelectorAll('.state')
  for (const [index, { state, text }] of services.entries()) {
    const row = rows[index]
    if (!row || row.textContent === text) continue
    row.textContent = text
    row.className = `state ${tones[state] ?? ''}`
  }
  setTimeout(look, 500)
}

// What cannot be asked now is asked again: the page must not stay behind.
const begin = () => look().catch(() => setTimeout(begin, 2000))
begin()
