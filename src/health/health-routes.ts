import { Router } from 'express'
import mongoose from 'mongoose'

/** How long the store may take to answer before this worker calls itself not ready. Milliseconds. */
const storeTimeoutMs = 2000

/** For load balancers: alive means the process answers; ready means the store answers as well. */
export function healthRoutes(): Router {
  const router = Router()
  router.get('/health/live', (_req, res) => {
    res.json({ status: 'ok' })
  })
  router.get('/health/ready', async (_req, res) => {
    const isReady = await storeAnswers()
    res.status(isReady ? 200 : 503).json({ status: isReady ? 'ok' : 'store does not answer' })
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
