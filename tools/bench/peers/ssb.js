// ssb.js -- one log and live entries: ssb-db2 with ssb-ebt.
'use strict'
const { seconds, cpu, peakMib, rssMib, say, main, obey, paced, quantiles, fail } = require('./pair')
const crypto = require('crypto')
const path = require('path')
const caps = require('ssb-caps')
const ssbKeys = require('ssb-keys')
const SecretStack = require('secret-stack')

const ENTRIES = 20000
const LIVE = 400
const version = require('ssb-db2/package.json').version
const call = f => new Promise((resolve, reject) => f((e, v) => e ? reject(e) : resolve(v)))
const text = () => crypto.randomBytes(150).toString('hex')

function start (role, home) {
  const keys = ssbKeys.loadOrCreateSync(path.join(home, 'secret'))
  const port = role === 'writer' ? 47123 : 47124
  const ssb = SecretStack({ caps })
    .use(require('ssb-db2')).use(require('ssb-db2/compat/db')).use(require('ssb-db2/compat/ebt')).use(require('ssb-ebt'))
    .call(null, {
      path: home,
      keys,
      caps,
      timeout: 60000,
      timers: { inactivity: -1 },
      connections: {
        incoming: { net: [{ scope: 'device', transform: 'shs', host: '127.0.0.1', port }] },
        outgoing: { net: [{ transform: 'shs' }] }
      }
    })
  const create = content => call(done => ssb.db.create({ keys, content }, done))
  return { ssb, create, drained: () => new Promise(resolve => ssb.db.onDrain('base', resolve)) }
}

async function writer (work, home) {
  const { ssb, create, drained } = start('writer', home)
  await drained()
  const begun = seconds()
  for (let i = 0; work === 'sync' && i < ENTRIES; i++) await create({ type: 'post', text: text() })
  const filled = seconds() - begun
  await drained()
  ssb.ebt.request(ssb.id, true)
  let from = cpu()
  say({ filled, rss: rssMib(), offer: { id: ssb.id, address: ssb.getAddress('device') } })
  obey({
    mark: () => { from = cpu() },
    go: () => paced(LIVE, 20, () => create({ type: 'live', at: String(process.hrtime.bigint()), text: text() })).catch(fail),
    report: () => say({ cpu: cpu() - from, peak: peakMib() }),
    quit: () => ssb.close(() => process.exit(0))
  })
}

async function reader (work, home, offer) {
  const { ssb, drained } = start('reader', home)
  await drained()
  const from = cpu()
  const ms = []
  let n = 0
  const want = work === 'sync' ? ENTRIES : LIVE
  const all = new Promise(resolve => ssb.db.onMsgAdded(ev => {
    const content = (ev.nativeMsg || ev.kvt.value).content
    if (content && content.type === 'live') ms.push(Number(process.hrtime.bigint() - BigInt(content.at)) / 1e6)
    if (++n === want) resolve()
  }))
  ssb.ebt.request(ssb.id, true)
  ssb.ebt.request(offer.id, true)
  const begun = seconds()
  await call(done => ssb.connect(offer.address, done))
  if (work === 'latency') setTimeout(() => say({ ready: true }), 1500)
  await all
  const took = seconds() - begun
  await drained()
  say({ took, ...(ms.length ? quantiles(ms) : {}), cpu: cpu() - from, peak: peakMib() })
  ssb.close(() => process.exit(0))
}

main(__filename, 'ssb', {
  sync: {
    version,
    size: { entries: ENTRIES, logs: 1, body_bytes: 300 },
    figures: {
      entries_per_s: r => ENTRIES / r.read.took,
      cpu_us_per_entry: r => (r.wrote.cpu + r.read.cpu) / ENTRIES * 1e6,
      append_per_s: r => ENTRIES / r.offered.filled,
      disk_bytes_per_entry: r => r.disk.reader / ENTRIES,
      source_peak_mib: r => r.wrote.peak,
      receiver_peak_mib: r => r.read.peak
    }
  },
  latency: { version, size: { entries: LIVE, body_bytes: 300, per_s: 20 }, figures: { p50_ms: r => r.read.p50_ms, p99_ms: r => r.read.p99_ms } }
}, { writer, reader }).catch(fail)
