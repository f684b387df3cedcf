// offline.mjs -- takes the network away from this process: every way to open a socket throws, and is written down.
import childProcess from 'node:child_process';
import dgram from 'node:dgram';
import dns from 'node:dns';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import {syncBuiltinESMExports} from 'node:module';
import net from 'node:net';
import tls from 'node:tls';
import {webcrypto} from 'node:crypto';

export const attempts = []; // "fetch https://…", in the order in which they were made

function target(args) {
  const first = args[0];
  if(typeof first === 'string') {
    return first;
  }
  return first?.url ?? first?.href ?? [first?.host ?? first?.path ?? '', first?.port ?? ''].join(' ').trim();
}

function refusal(way) {
  return (...args) => {
    const what = `${way} ${target(args)}`.trim();
    attempts.push(what);
    throw new Error(`the network is closed: ${what}`);
  };
}

const REFUSED = [
  [net, 'net', ['connect', 'createConnection']],
  [net.Socket.prototype, 'socket', ['connect']],
  [tls, 'tls', ['connect']],
  [dgram, 'dgram', ['createSocket']],
  [http, 'http', ['request', 'get']],
  [https, 'https', ['request', 'get']],
  [http2, 'http2', ['connect']],
  [dns, 'dns', Object.keys(dns).filter(k => /^(lookup|resolve|reverse)/.test(k))],
  [dns.promises, 'dns', Object.keys(dns.promises).filter(k => /^(lookup|resolve|reverse)/.test(k))],
  ...[dns.Resolver, dns.promises.Resolver].map(({prototype}) =>
    [prototype, 'dns', Object.getOwnPropertyNames(prototype).filter(k => /^(resolve|reverse)/.test(k))]),
  [childProcess, 'process', ['spawn', 'spawnSync', 'exec', 'execSync', 'execFile', 'execFileSync', 'fork']],
];

export function closeNetwork() {
  for(const [object, name, functions] of REFUSED) {
    for(const f of functions) {
      object[f] = refusal(`${name}.${f}`);
    }
  }
  globalThis.fetch = async (...args) => refusal('fetch')(...args);
  for(const name of ['WebSocket', 'EventSource', 'XMLHttpRequest']) {
    if(name in globalThis) {
      globalThis[name] = refusal(name);
    }
  }
  syncBuiltinESMExports(); // for those who import the functions by name
  globalThis.crypto ??= webcrypto; // Node 18 does not have it yet
}
