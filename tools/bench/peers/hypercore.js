// hypercore.js -- one log, 1,000 logs, live entries, one blob: hypercore 11, corestore, hyperblobs.
'use strict'
const { seconds, cpu, peakMib, rssMib, say, main, obey, paced, stamp, ageMs, quantiles, fail } = require('./pair')
const fs = require('fs')
const net = require('net')
const crypto = require('crypto')
const Hypercore = require('hypercore')
const Corestore = require('corestore')
const Hyperblobs = require('hyperblobs')

const ENTRIES = 100000
const LOGS = 1000
const LIVE = 2000
const BODY = 300
const version = require('hypercore/package.json').version

const pool = () => crypto.randomBytes(BODY * 1000)
const block = (p, i) => p.subarray(i % 1000 * BODY, i % 1000 * BODY + BODY)

async function fill (work, home) {
  const bytes = pool()
  if (work === 'logs') {
    const store = new Corestore(home)
    await store.ready()
    const keys = []
    for (let j = 0; j < LOGS; j++) {
      const core = store.get({ name: 'log ' + j })
      await core.ready()
      await core.append(Array.from({ length: ENTRIES / LOGS }, (_, k) => block(bytes, k)))
      keys.push(core.key.toString('hex'))
    }
    return { what: store, offer: { keys } }
  }
  const core = new Hypercore(home)
  await core.ready()
  const offer = { key: core.key.toString('hex') }
  if (work === 'sync') {
    for (let i = 0; i < ENTRIES; i += 1000) await core.append(Array.from({ length: 1000 }, (_, k) => block(bytes, k)))
  } else if (work === 'blob') {
    const to = new Hyperblobs(core).createWriteStream()
    await new Promise((resolve, reject) => {
      fs.createReadStream(process.env.FILE, { highWaterMark: 65536 }).pipe(to)
      to.on('close', resolve)
      to.on('error', reject)
    })
    Object.assign(offer, { id: to.id, blocks: core.length })
  }
  return { what: core, offer }
}

async function writer (work, home) {
  const begun = seconds()
  const { what, offer } = await fill(work, home)
  const filled = seconds() - begun
  const server = net.createServer(socket => {
    socket.setNoDelay(true)
    const stream = what.replicate(false)
    socket.on('error', () => {})
    stream.on('error', () => {})
    socket.pipe(stream).pipe(socket)
  }).listen(0, '127.0.0.1', () => say({ filled, rss: rssMib(), offer: { ...offer, port: server.address().port } }))
  let from = cpu()
  obey({
    mark: () => { from = cpu() },
    go: () => paced(LIVE, 100, () => what.append(stamp(BODY))).catch(fail),
    report: () => say({ cpu: cpu() - from, peak: peakMib() }),
    quit: () => what.close().finally(() => process.exit(0))
  })
}

const connect = (port, what) => new Promise(resolve => {
  const socket = net.connect(port, '127.0.0.1', () => {
    socket.setNoDelay(true)
    const stream = what.replicate(true)
    socket.on('error', () => {})
    stream.on('error', () => {})
    socket.pipe(stream).pipe(socket)
    resolve()
  })
})

async function live (core) {
  const ms = []
  await new Promise(resolve => {
    let next = 0
    let busy = false
    const take = async () => {
      if (busy) return
      busy = true
      while (next < core.length) ms.push(ageMs(await core.get(next++)))
      busy = false
      if (ms.length >= LIVE) resolve()
    }
    core.download({ start: 0, end: -1 })
    core.on('append', () => take().catch(fail))
    say({ ready: true })
  })
  return quantiles(ms)
}

async function reader (work, home, offer) {
  const from = cpu()
  if (work === 'logs') {
    const store = new Corestore(home)
    await store.ready()
    const begun = seconds()
    await connect(offer.port, store)
    const cores = offer.keys.map(k => store.get({ key: Buffer.from(k, 'hex') }))
    await Promise.all(cores.map(async c => { await c.ready(); await c.download({ start: 0, end: ENTRIES / LOGS }).done() }))
    const took = seconds() - begun
    if (!cores.every(c => c.length === ENTRIES / LOGS)) throw new Error('a log is not whole')
    say({ took, cpu: cpu() - from, peak: peakMib() })
    await store.close()
    process.exit(0)
  }
  const core = new Hypercore(home, Buffer.from(offer.key, 'hex'))
  await core.ready()
  const begun = seconds()
  await connect(offer.port, core)
  if (work === 'latency') {
    say({ ...(await live(core)), cpu: cpu() - from, peak: peakMib() })
  } else {
    const n = work === 'blob' ? offer.blocks : ENTRIES
    await core.download({ start: 0, end: n }).done()
    const took = seconds() - begun
    for (let i = 0; i < n; i += 997) if (!(await core.has(i))) throw new Error('an entry is missing')
    say({ took, cpu: cpu() - from, peak: peakMib() })
  }
  await core.close()
  process.exit(0)
}

const bytes = process.env.FILE && fs.existsSync(process.env.FILE) ? fs.statSync(process.env.FILE).size : 0
const entries = {
  entries_per_s: r => ENTRIES / r.read.took,
  cpu_us_per_entry: r => (r.wrote.cpu + r.read.cpu) / ENTRIES * 1e6,
  append_per_s: r => ENTRIES / r.offered.filled,
  disk_bytes_per_entry: r => r.disk.reader / ENTRIES,
  source_peak_mib: r => r.wrote.peak,
  receiver_peak_mib: r => r.read.peak
}
main(__filename, 'hypercore', {
  sync: { version, size: { entries: ENTRIES, logs: 1, body_bytes: BODY }, figures: entries },
  logs: { version, size: { entries: ENTRIES, logs: LOGS, body_bytes: BODY }, figures: entries },
  latency: { version, size: { entries: LIVE, body_bytes: BODY, per_s: 100 }, figures: { p50_ms: r => r.read.p50_ms, p99_ms: r => r.read.p99_ms } },
  blob: { version, size: { bytes }, figures: { mb_per_s: r => bytes / 1e6 / r.read.took, cpu_s: r => r.wrote.cpu + r.read.cpu } }
}, { writer, reader }).catch(fail)
