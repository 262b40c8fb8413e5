import { createHash } from 'node:crypto'
import { createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { amkaCheckDigit } from '../src/people/amka.ts'
import { importRegistry } from '../src/people/registry-import.ts'
import { openRegistryFile } from '../src/people/registry-reader.ts'
import { openStore } from '../src/store/connection.ts'

/**
 * How fast a source system's file goes in, and in how much memory: `node bench/registry-import.ts
 * [ROWS]`, 100,000 by default, of synthetic students, into the embedded store or MONGODB_URI. The
 * stated limits: 100,000 rows in two minutes, memory that does not grow with the file.
 */
const rowCount = Number(process.argv[2] ?? 100_000)
const limitSeconds = 120
const folder = mkdtempSync(join(tmpdir(), 'propylaia-bench-'))
const file = join(folder, 'registry.csv')
const secret = createHash('sha256').update('bench').digest()
const secrets = { get: () => secret }

await writeRegistryFile(file, rowCount)
console.log(`${rowCount} rows, ${(statSync(file).size / 1_048_576).toFixed(1)} MiB`)
const store = await openStore(
  { mongodbUri: process.env.MONGODB_URI || undefined, dataDir: join(folder, 'data') },
  { embedded: 'own' },
)
try {
  await pass('first import')
  await pass('second import, nothing new')
} finally {
  await store.close()
  rmSync(folder, { recursive: true, force: true })
}

async function pass(title: string): Promise<void> {
  const { rows } = await openRegistryFile(file)
  const startedAt = performance.now()
  const cpuBefore = process.cpuUsage()
  /** Resident memory when the first tenth was in, and at its highest after that. */
  let early = 0
  let highest = 0
  const report = await importRegistry(rows, {
    secrets,
    scope: 'uni.example.gr',
    onRejected: (row) => console.error(JSON.stringify(row)),
    onProgress: (done) => {
      const resident = process.memoryUsage.rss()
      if (done <= rowCount / 10) early = resident
      else highest = Math.max(highest, resident)
    },
  })
  const seconds = (performance.now() - startedAt) / 1000
  const cpu = process.cpuUsage(cpuBefore)
  const mebibytes = (bytes: number) => (bytes / 1_048_576).toFixed(0)
  console.log(
    `${title}: ${seconds.toFixed(1)} s, ${(rowCount / seconds).toFixed(0)} rows/s, ` +
      `CPU ${((cpu.user + cpu.system) / 1e6).toFixed(1)} s; resident ${mebibytes(early)} MiB after a tenth, ` +
      `${mebibytes(highest)} MiB at most; ${report.created} created, ${report.unchanged} unchanged`,
  )
  const perHundredThousand = (seconds * 100_000) / rowCount
  if (perHundredThousand > limitSeconds) {
    console.log(`  over the limit of ${limitSeconds} s for 100,000 rows`)
    process.exitCode = 1
  }
}

async function writeRegistryFile(path: string, count: number): Promise<void> {
  const output = createWriteStream(path)
  output.write(
    'source,sourceId,role,username,amka,firstNameEl,lastNameEl,fatherNameEl,birthDate,gender,citizenship,mobile,email,departmentCode,ministryCode,departmentNameEl,departmentNameEn,registrationNumber,degreeLevel,inscriptionYear,validFrom\n',
  )
  for (let index = 0; index < count; index++) {
    if (!output.write(`${syntheticStudent(index)}\n`)) {
      await new Promise<void>((resolve) => output.once('drain', () => resolve()))
    }
  }
  output.end()
  await finished(output)
}

/** Ten thousand serials a birth date: every index gives another AMKA. */
function syntheticStudent(index: number): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const day = Math.floor(index / 10_000)
  const [date, month, year] = [
    1 + (day % 28),
    1 + (Math.floor(day / 28) % 12),
    1970 + Math.floor(day / 336),
  ]
  const ten = `${two(date)}${two(month)}${two(year % 100)}${String(index % 10_000).padStart(4, '0')}`
  const id = String(10_000_000 + index)
  return [
    'sis',
    id,
    'student',
    `1201${id}`,
    ten + amkaCheckDigit(ten),
    'Δήμητρα',
    'Παπαδοπούλου',
    'Ιωάννης',
    `${year}-${two(month)}-${two(date)}`,
    '2',
    'GR',
    `69${String(index).padStart(8, '0')}`,
    `s${id}@example.org`,
    '1201,9201,Τμήμα Πληροφορικής,Department of Informatics',
    id,
    'bachelor,2023,2023-10-01',
  ].join(',')
}
