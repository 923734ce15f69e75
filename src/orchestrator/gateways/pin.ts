/** Trust in a certificate that nobody else signed. */
import { X509Certificate } from 'node:crypto';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';

/** Trusts exactly this certificate, whatever name it carries, or what it issued under the usual name check. */
export function pinned(pem: string | undefined) {
  if (pem === undefined) return {};
  const fingerprint = new X509Certificate(pem).fingerprint256;
  return {
    ca: pem,
    allowPartialTrustChain: true,
    checkServerIdentity: (host: string, certificate: PeerCertificate) =>
      certificate.fingerprint256 === fingerprint ? undefined : checkServerIdentity(host, certificate),
  };
}
