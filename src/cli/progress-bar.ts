import cliProgress from 'cli-progress'

/** A bar on a terminal's standard error, nothing elsewhere. */
export class ProgressBar {
  readonly #bar: cliProgress.SingleBar | undefined

  constructor(what: string, total: number) {
    if (!process.stderr.isTTY || total === 0) return
    this.#bar = new cliProgress.SingleBar({
      format: `${what} {bar} {value} of {total}, {duration_formatted}, about {eta_formatted} left`,
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
    })
    this.#bar.start(total, 0)
  }

  step(): void {
    this.#bar?.increment()
  }

  /** Where the work stands, when it does not go by ones. */
  at(value: number): void {
    this.#bar?.update(value)
  }

  stop(): void {
    this.#bar?.stop()
  }
}
