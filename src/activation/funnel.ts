import { model, Schema } from 'mongoose'
import { athensDate, type Person } from '../people/person.ts'
import { canActivate, type RoleChoice, roleChoiceOf } from '../people/role-choice.ts'
import { upsertAgain } from '../store/duplicate-key.ts'

/** How far activations come, in order; last those on paper, which have no steps between. */
export const funnelStages = [
  'started',
  'pinSent',
  'pinRight',
  'numberChecked',
  'agreed',
  'done',
  'donePaper',
] as const
export type FunnelStage = (typeof funnelStages)[number]

const funnelSchema = new Schema(
  {
    /** `YYYY-MM-DD role`. */
    _id: { type: String, required: true },
    day: { type: String, required: true, index: true },
    role: { type: String, required: true },
    ...Object.fromEntries(funnelStages.map((stage) => [stage, Number])),
  },
  { versionKey: false },
)

const FunnelModel = model('ActivationFunnel', funnelSchema, 'activationFunnel')

/** How many activations of one day (in Greece) and role came to each stage. */
export type FunnelRow = {
  readonly day: string
  readonly role: RoleChoice
} & Readonly<Record<FunnelStage, number>>

/** Counts an activation on paper for the first role that it opens. */
export async function countPaper(person: Pick<Person, 'roles'>, now: Date): Promise<void> {
  const opened = person.roles.find((role) => canActivate(role, athensDate(now)))
  if (opened) await countStage('donePaper', roleChoiceOf(opened.role), now)
}

/** Counts an activation that came to a stage; the caller sees to it that it counts once there. */
export async function countStage(stage: FunnelStage, role: RoleChoice, now: Date): Promise<void> {
  const day = athensDate(now)
  await upsertAgain(() =>
    FunnelModel.updateOne(
      { _id: `${day} ${role}` },
      { $inc: { [stage]: 1 }, $setOnInsert: { day, role } },
      { upsert: true },
    ),
  )
}

/** @param since first day, YYYY-MM-DD; newest first */
export async function readFunnel(since: string): Promise<FunnelRow[]> {
  const rows = await FunnelModel.find({ day: { $gte: since } })
    .sort({ _id: -1 })
    .lean<Partial<FunnelRow>[]>()
  return rows.map(
    (row) =>
      ({
        day: row.day,
        role: row.role,
        ...Object.fromEntries(funnelStages.map((stage) => [stage, row[stage] ?? 0])),
      }) as FunnelRow,
  )
}
