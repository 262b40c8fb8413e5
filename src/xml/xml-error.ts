/**
 * The text is not XML that we read. The caller says what text it was: a message of a service, a
 * metadata file. `message` starts with the line when there is one.
 */
export class XmlError extends Error {
  override readonly name = 'XmlError'
  /** From 1. */
  readonly line: number | undefined

  constructor(problem: string, line?: number) {
    super(line === undefined ? problem : `line ${line}: ${problem}`)
    this.line = line
  }

  /** The error at an offset of the text. */
  static at(text: string, offset: number, problem: string): XmlError {
    let line = 1
    for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1))
      line++
    return new XmlError(problem, line)
  }
}
