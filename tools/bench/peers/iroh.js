// iroh.js -- one blob, one document with many entries, live entries: iroh 0.35, the last with blobs and documents.
'use strict'
const { seconds, cpu, peakMib, rssMib, say, main, obey, paced, quantiles, sleep, fail } = require('./pair')
const fs = require('fs')
const { Iroh, SetTagOption, BlobDownloadOptions, DocTicket } = require('@number0/iroh')

const ENTRIES = 5000
const LIVE = 1000
const BODY = 300
const version = require('@number0/iroh/package.json').version

async function start (home) {
  const node = await Iroh.persistent(home, { enableDocs: true, nodeDiscovery: 'None', ipv4Addr: '127.0.0.1:0', ipv6Addr: '[::1]:0' })
  const addresses = (await node.node.status()).listenAddrs.map(a => a.replace('0.0.0.0', '127.0.0.1')).filter(a => a.startsWith('127.'))
  return { node, address: { nodeId: await node.net.nodeId(), addresses } }
}

const value = i => { const v = Array(BODY).fill(5); v[0] = i & 255; v[1] = i >> 8 & 255; return v }
const key = text => Array.from(Buffer.from(text))

async function writer (work, home) {
  const { node, address } = await start(home)
  const offer = { address }
  const begun = seconds()
  let doc
  let author
  if (work === 'blob') {
    offer.hash = await new Promise((resolve, reject) => node.blobs.addFromPath(process.env.FILE, false, SetTagOption.auto(), { wrap: false }, (e, p) => {
      if (e) reject(e)
      else if (p.allDone) resolve(p.allDone.hash)
    }))
  } else {
    doc = await node.docs.create()
    author = await node.authors.default()
    for (let i = 0; work === 'sync' && i < ENTRIES; i++) await doc.setBytes(author, key('entry ' + i), value(i))
    offer.ticket = (await doc.share('Write', 'Addresses')).toString()
    await doc.startSync([])
  }
  let from = cpu()
  let n = 0
  say({ filled: seconds() - begun, rss: rssMib(), offer })
  obey({
    mark: () => { from = cpu() },
    go: () => paced(LIVE, 100, () => doc.setBytes(author, key(String(process.hrtime.bigint())), value(n++))).catch(fail),
    report: () => say({ cpu: cpu() - from, peak: peakMib() }),
    quit: () => Promise.race([node.node.shutdown(), sleep(1500)]).finally(() => process.exit(0))
  })
}

async function reader (work, home, offer) {
  const { node } = await start(home)
  await node.net.addNodeAddr(offer.address)
  const from = cpu()
  const begun = seconds()
  const ms = []
  if (work === 'blob') {
    await new Promise((resolve, reject) => node.blobs.download(offer.hash, new BlobDownloadOptions('Raw', [offer.address], SetTagOption.auto()), (e, p) => {
      if (e) reject(e)
      else if (p.allDone) resolve()
    }))
  } else {
    const want = work === 'sync' ? ENTRIES : LIVE
    const written = new Map()
    let entries = 0
    let contents = 0
    let end
    const all = new Promise(resolve => { end = resolve })
    await node.docs.joinAndSubscribe(DocTicket.fromString(offer.ticket), (e, ev) => {
      if (e) return
      if (ev.insertRemote) {
        entries++
        if (work === 'latency') written.set(String(ev.insertRemote.entry.hash), BigInt(Buffer.from(ev.insertRemote.entry.key).toString()))
      }
      if (ev.contentReady) {
        contents++
        const at = written.get(String(ev.contentReady.hash))
        if (at) ms.push(Number(process.hrtime.bigint() - at) / 1e6)
      }
      if (entries >= want && contents >= want) end()
    })
    if (work === 'latency') setTimeout(() => say({ ready: true }), 1500)
    await all
  }
  say({ took: seconds() - begun, ...(ms.length ? quantiles(ms) : {}), cpu: cpu() - from, peak: peakMib() })
  await Promise.race([node.node.shutdown(), sleep(1500)])
  process.exit(0)
}

const bytes = process.env.FILE && fs.existsSync(process.env.FILE) ? fs.statSync(process.env.FILE).size : 0
main(__filename, 'iroh', {
  sync: {
    version,
    size: { entries: ENTRIES, logs: 1, body_bytes: BODY },
    figures: {
      entries_per_s: r => ENTRIES / r.read.took,
      cpu_us_per_entry: r => (r.wrote.cpu + r.read.cpu) / ENTRIES * 1e6,
      append_per_s: r => ENTRIES / r.offered.filled,
      disk_bytes_per_entry: r => r.disk.reader / ENTRIES,
      source_peak_mib: r => r.wrote.peak,
      receiver_peak_mib: r => r.read.peak
    }
  },
  latency: { version, size: { entries: LIVE, body_bytes: BODY, per_s: 100 }, figures: { p50_ms: r => r.read.p50_ms, p99_ms: r => r.read.p99_ms } },
  blob: { version, size: { bytes }, figures: { mb_per_s: r => bytes / 1e6 / r.read.took, cpu_s: r => r.wrote.cpu + r.read.cpu } }
}, { writer, reader }).catch(fail)
