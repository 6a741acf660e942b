/**
 * Stands in for what reads X.509 certificates (wrangler.toml): those of an attestation, which tells an authenticator's
 * make. None is asked for here, and one that comes all the same is refused, since nothing can be made of it.
 */
function LeftOut(): never {
  throw new TypeError("no certificates are read here");
}

const leftOut = "left out";

/** All that is asked for by name. */
export {
  LeftOut as AuthorityKeyIdentifierExtension,
  LeftOut as BasicConstraints,
  LeftOut as Certificate,
  LeftOut as CRLDistributionPointsExtension,
  LeftOut as ExtendedKeyUsage,
  leftOut as id_ce_basicConstraints,
  leftOut as id_ce_extKeyUsage,
  leftOut as id_ce_keyDescription,
  leftOut as id_ce_subjectAltName,
  leftOut as id_rsaEncryption,
  LeftOut as KeyDescription,
  LeftOut as RSAPublicKey,
  LeftOut as SubjectAlternativeName,
  LeftOut as SubjectKeyIdentifierExtension,
  LeftOut as X509Certificate,
  LeftOut as X509ChainBuilder,
  LeftOut as X509Crl,
};
