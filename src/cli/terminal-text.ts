/** Controls (C1 too: some terminals obey U+009B as they do ESC [) and marks that turn the direction of text. */
const steering = /(?![\t\n])[\p{Cc}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu

/** Text for a terminal: what services and their metadata wrote is in it, and must not move or hide the rest. */
export function forTerminal(text: string): string {
  return text.replace(steering, '\uFFFD')
}
