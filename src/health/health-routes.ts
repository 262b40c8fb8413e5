import { Router } from 'express'
import mongoose from 'mongoose'
import type { AppContext } from '../context.ts'
import { signerHealth } from '../keys/signer-health.ts'

/** How long the store may take to answer before this worker calls itself not ready. Milliseconds. */
const storeTimeoutMs = 2000

/** For load balancers: alive means the process answers; ready means the store answers and the active keys sign. */
export function healthRoutes(context: Pick<AppContext, 'keys'>): Router {
  const router = Router()
  const canSign = signerHealth(context)
  router.get('/health/live', (_req, res) => {
    res.json({ status: 'ok' })
  })
  router.get('/health/ready', async (_req, res) => {
    const [store, signer] = await Promise.all([storeAnswers(), canSign()])
    const trouble = !store ? 'store does not answer' : !signer ? 'key signer does not sign' : ''
    res.status(trouble ? 503 : 200).json({ status: trouble || 'ok' })
  })
  return router
}

export async function storeAnswers(): Promise<boolean> {
  if (!mongoose.connection.db) return false
  try {
    await mongoose.connection.db.command({ ping: 1 }, { timeoutMS: storeTimeoutMs })
    return true
  } catch {
    return false
  }
}
