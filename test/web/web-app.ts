import { createHash } from 'node:crypto'
import { join } from 'node:path'
import express, { type Express } from 'express'
import { type Config, readConfig } from '../../src/config.ts'
import type { AppContext } from '../../src/context.ts'
import { type Institution, loadInstitution } from '../../src/institution.ts'
import { strengthFiles } from '../../src/passwords/strength-files.ts'
import { configureWeb } from '../../src/web/web.ts'

export const fixedNow = new Date('2026-11-21T19:30:00Z')

export interface WebApp {
  readonly app: Express
  readonly context: AppContext
  /** What was logged, in order. */
  readonly logged: { level: string; facts: Record<string, unknown> }[]
}

/** An app with pages and nothing behind them: what the web room needs and no store. */
export function createWebApp(
  options: {
    environment?: NodeJS.ProcessEnv
    institution?: Partial<Institution>
    /** The signed-in person's SSO session, as a request's cookies would bring it. */
    sessionId?: () => string | undefined
  } = {},
): WebApp {
  const config: Config = readConfig({ NODE_ENV: 'test', ...options.environment })
  const demo = loadInstitution(join(import.meta.dirname, '../../demo/institution.json'))
  const logged: WebApp['logged'] = []
  const record = (level: string) => (facts: Record<string, unknown>) =>
    logged.push({ level, facts })
  const context = {
    config,
    institution: { ...demo, ...options.institution },
    secrets: { get: (name: string) => createHash('sha256').update(name).digest() },
    log: { warn: record('warn'), error: record('error') },
    now: () => fixedNow,
  } as unknown as AppContext
  const app = express()
  configureWeb(app, context, strengthFiles)
  app.use((req, _res, next) => {
    const id = options.sessionId?.()
    if (id)
      req.session = { sso: { id, username: 'dpapadopoulou' } } as unknown as typeof req.session
    next()
  })
  return { app, context, logged }
}
