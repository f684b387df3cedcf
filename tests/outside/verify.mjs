// verify.mjs FILE... -- what the verifiers of the badge world, written for Node, say about credentials. One line of JSON
// for each file: jcs and rdfc (Digital Bazaar, each suite alone), core (Digital Credentials Consortium), and what they tried
// to fetch. Exit status 0 whatever the verdicts are.
// verify.mjs --contexts FILE -- writes the contexts as JSON for verifiers in other languages.
// verify.mjs --try-network SOCKET -- tries every way out; says which of them were refused.
import {attempts, closeNetwork} from './offline.mjs';
import {readFileSync, writeFileSync} from 'node:fs';

closeNetwork();
// From here on nothing that is loaded can open a socket.
const {contexts, documentLoader} = await import('./documents.mjs');

function reason(error) {
  const all = error?.errors?.length ? error.errors : [error];
  return all.map(e => String(e?.details?.url ?? '') + (e?.message ?? e)).join('; ');
}

async function suites() {
  const vc = await import('@digitalbazaar/vc');
  const {DataIntegrityProof} = await import('@digitalbazaar/data-integrity');
  const jcs = await import('@digitalbazaar/eddsa-jcs-2022-cryptosuite');
  const rdfc = await import('@digitalbazaar/eddsa-rdfc-2022-cryptosuite');
  const cryptosuites = {jcs: () => jcs.createVerifyCryptosuite(), rdfc: () => rdfc.cryptosuite};
  return async (name, text) => {
    try {
      const suite = new DataIntegrityProof({cryptosuite: cryptosuites[name]()});
      const result = await vc.verifyCredential({credential: JSON.parse(text), suite, documentLoader});
      return result.verified ? {ok: true} : {ok: false, why: reason(result.error)};
    } catch(e) {
      return {ok: false, why: reason(e)};
    }
  };
}

async function core() {
  const {verifyCredential} = await import('@digitalcredentials/verifier-core');
  const print = {log: console.log, error: console.error};
  return async text => {
    // It prints that the schema could not be fetched; what it tried is in "attempts".
    console.log = console.error = () => {};
    try {
      // Which registries of issuers there are is the caller's business; we know of none, so none is asked.
      const result = await verifyCredential({credential: JSON.parse(text), knownDIDRegistries: []});
      const steps = Object.fromEntries((result.log ?? []).map(s => [s.id, s.error ? `${s.error.name}` : s.valid]));
      const errors = (result.errors ?? []).map(e => `${e.name}: ${e.message}`);
      if(result.error) {
        errors.push(reason(result.error));
      }
      // The issuer is in no registry, and that is the one step that may say no.
      const refused = Object.entries(steps).filter(([id, valid]) => id !== 'registered_issuer' && valid !== true);
      return {ok: steps.valid_signature === true && errors.length === 0 && refused.length === 0, steps, errors};
    } catch(e) {
      return {ok: false, steps: {}, errors: [reason(e)]};
    } finally {
      Object.assign(console, print);
    }
  };
}

async function verify(files) {
  const bySuite = await suites();
  const byCore = await core();
  for(const file of files) {
    const text = readFileSync(file, 'utf8');
    attempts.length = 0;
    const line = {file, jcs: await bySuite('jcs', text), rdfc: await bySuite('rdfc', text), core: await byCore(text)};
    process.stdout.write(JSON.stringify({...line, attempts: [...attempts]}) + '\n');
  }
}

async function tryNetwork(socket) {
  const net = await import('node:net');
  const {request} = await import('node:https');
  const {lookup} = await import('node:dns');
  const {Resolver} = await import('node:dns/promises');
  const {createSocket} = await import('node:dgram');
  const {spawn} = await import('node:child_process');
  const ways = {
    connect: () => net.connect(socket), Socket: () => new net.Socket().connect(socket), fetch: () => fetch('http://127.0.0.1:9/'),
    request: () => request('https://127.0.0.1:9/'), lookup: () => lookup('localhost', () => {}),
    resolver: () => new Resolver().resolve4('localhost'), dgram: () => createSocket('udp4'), spawn: () => spawn('true'),
  };
  for(const [name, way] of Object.entries(ways)) {
    let said = 'it is open';
    try {
      await way();
    } catch(e) {
      said = e.message.startsWith('the network is closed') ? 'closed' : e.message;
    }
    process.stdout.write(`${name} ${said}\n`);
  }
  process.exit(0);
}

const args = process.argv.slice(2);
if(args[0] === '--contexts' && args.length === 2) {
  writeFileSync(args[1], JSON.stringify(Object.fromEntries(contexts)));
} else if(args[0] === '--try-network' && args.length === 2) {
  await tryNetwork(args[1]);
} else if(args.length > 0 && !args[0].startsWith('-')) {
  await verify(args);
} else {
  process.stderr.write('usage: verify.mjs FILE... | --contexts FILE | --try-network SOCKET\n');
  process.exit(2);
}
