// pair.js -- two processes of one system, a writer and a reader, and what both report.
//
// A peer's script is started as `node X.js writer WORK HOME` and `node X.js reader WORK HOME OFFER`. Each prints lines of JSON.
// The writer's line with "offer" says what the reader needs; it obeys the words mark, go, report, quit on its standard input.
// The reader prints {"ready": true} when it waits for what is written from now on (the writer is told to go), and last its figures.
'use strict'
const { spawn, execFileSync } = require('child_process')
const fs = require('fs')
const path = require('path')
const readline = require('readline')

const seconds = () => Number(process.hrtime.bigint()) / 1e9
const cpu = () => { const c = process.cpuUsage(); return (c.user + c.system) / 1e6 }
const peakMib = () => process.resourceUsage().maxRSS / 1024
const rssMib = () => process.memoryUsage().rss / 1048576
const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))
const diskBytes = dir => Number(execFileSync('du', ['-sk', dir]).toString().split('\t')[0]) * 1024
const say = o => process.stdout.write(JSON.stringify(o, (k, v) => typeof v === 'bigint' ? Number(v) : v) + '\n')

// A child with a queue of the objects that it prints.
function child (script, args) {
  const p = spawn(process.execPath, [script, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  const got = []
  const waiting = []
  let over = false
  p.stdin.on('error', () => {})
  readline.createInterface({ input: p.stdout }).on('line', line => {
    if (line[0] !== '{') return
    const o = JSON.parse(line)
    if (waiting.length) waiting.shift().resolve(o)
    else got.push(o)
  })
  p.on('exit', code => {
    over = true
    while (waiting.length) waiting.shift().reject(new Error(`${path.basename(script)} ${args[0]} ended with ${code}`))
  })
  return {
    next: () => got.length
      ? Promise.resolve(got.shift())
      : new Promise((resolve, reject) => over ? reject(new Error('it has ended')) : waiting.push({ resolve, reject })),
    tell: word => p.stdin.write(word + '\n'),
    end: () => new Promise(resolve => { if (over) return resolve(); p.on('exit', resolve) }),
    kill: () => p.kill('SIGKILL')
  }
}

// One run: what the writer offered, what both reported, what they left on disk.
async function run (script, work, dir) {
  const homes = { writer: path.join(dir, 'writer'), reader: path.join(dir, 'reader') }
  for (const h of Object.values(homes)) {
    fs.rmSync(h, { recursive: true, force: true })
    fs.mkdirSync(h, { recursive: true })
  }
  const writer = child(script, ['writer', work, homes.writer])
  let reader
  try {
    const offered = await writer.next()
    writer.tell('mark')
    reader = child(script, ['reader', work, homes.reader, JSON.stringify(offered.offer)])
    let read = await reader.next()
    if (read.ready) {
      writer.tell('go')
      read = await reader.next()
    }
    await reader.end()
    writer.tell('report')
    const wrote = await writer.next()
    writer.tell('quit')
    await writer.end()
    return { offered, wrote, read, disk: { writer: diskBytes(homes.writer), reader: diskBytes(homes.reader) } }
  } finally {
    writer.kill()
    if (reader) reader.kill()
    for (const h of Object.values(homes)) fs.rmSync(h, { recursive: true, force: true })
  }
}

// Called by each script at its end: with no role it measures, and prints one line for each work.
async function main (script, peer, works, roles) {
  const [role, work, home, offer] = process.argv.slice(2)
  if (role === 'writer' || role === 'reader') {
    setTimeout(() => { console.error(`${peer}: ${role}: took too long`); process.exit(9) }, 280000).unref()
    return roles[role](work, home, offer ? JSON.parse(offer) : null)
  }
  const runs = Number(process.env.RUNS || 3)
  for (const name of role ? role.split(',') : Object.keys(works)) {
    const all = []
    for (let i = 0; i < runs; i++) all.push(await run(script, name, process.env.WORKDIR || '.'))
    const line = { peer, version: works[name].version, work: name, runs, ...works[name].size }
    for (const [key, f] of Object.entries(works[name].figures)) {
      const v = all.map(f).sort((a, b) => a - b)
      line[key] = [v[v.length >> 1], v[0], v[v.length - 1]].map(x => Number(x.toPrecision(5)))
    }
    say(line)
  }
  process.exit(0)
}

// The writer's side of the words.
function obey (words) {
  process.stdin.on('end', () => process.exit(0))
  readline.createInterface({ input: process.stdin }).on('line', word => { if (words[word]) words[word]() })
}

// Sends `count` at `rate` a second, whatever each takes.
async function paced (count, rate, send) {
  const begun = seconds()
  for (let i = 0; i < count; i++) {
    const wait = (begun + i / rate - seconds()) * 1000
    if (wait > 0) await sleep(wait)
    await send()
  }
}

const stamp = n => { const b = Buffer.alloc(n, 7); b.writeBigInt64LE(process.hrtime.bigint(), 0); return b }
const ageMs = b => Number(process.hrtime.bigint() - Buffer.from(b).readBigInt64LE(0)) / 1e6
const quantiles = ms => { ms.sort((a, b) => a - b); return { p50_ms: ms[ms.length >> 1], p99_ms: ms[Math.floor(ms.length * 0.99)] } }

const fail = e => { console.error(String((e && e.stack) || e)); process.exit(1) }
module.exports = { seconds, cpu, peakMib, rssMib, sleep, say, main, obey, paced, stamp, ageMs, quantiles, fail }
