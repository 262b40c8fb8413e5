/**
 * Asks for a secret on the terminal without showing it. Secrets never come as arguments: everybody
 * on the machine can list those.
 *
 * @returns undefined when there is no terminal to ask on, or the person gave up
 */
export async function askHidden(question: string): Promise<string | undefined> {
  const { stdin, stderr } = process
  if (!stdin.isTTY) return undefined
  stderr.write(question)
  stdin.setRawMode(true)
  stdin.setEncoding('utf8')
  stdin.resume()
  try {
    return await new Promise<string | undefined>((resolve) => {
      let typed = ''
      const onData = (text: string) => {
        for (const character of text) {
          if (character === '\r' || character === '\n') return finish(typed)
          // Ctrl-C, Ctrl-D
          if (character === '\u0003' || character === '\u0004') return finish(undefined)
          typed =
            character === '\u007f' || character === '\b' ? typed.slice(0, -1) : typed + character
        }
      }
      const finish = (value: string | undefined) => {
        stdin.off('data', onData)
        resolve(value)
      }
      stdin.on('data', onData)
    })
  } finally {
    stdin.setRawMode(false)
    stdin.pause()
    stderr.write('\n')
  }
}
