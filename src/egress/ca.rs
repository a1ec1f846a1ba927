//! The launch's own certificate authority.
//!
//! It is made for one launch. Its key stays in this process's memory; its certificate goes into
//! the guest's trust store and can sign for the route list's names alone (name constraints).

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
};
use ring::rand::{SecureRandom, SystemRandom};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// How long certificates hold: longer than any launch, shorter than what clients refuse.
const LIFE: Duration = Duration::from_secs(397 * 24 * 3600);
/// A guest's clock may be behind.
const CLOCK_SKEW: Duration = Duration::from_secs(24 * 3600);
/// Configurations kept for hosts; a wildcard route lets the guest name any number of them.
const CACHED_HOSTS: usize = 256;

/// Why a certificate could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// The certificate itself.
    #[error("the certificate could not be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The TLS configuration with it.
    #[error("the TLS configuration could not be made: {0}")]
    Tls(#[from] rustls::Error),
    /// No random bytes.
    #[error("the system gave no random bytes")]
    Random,
}

/// A certificate authority, and the TLS configurations of the hosts that it signed for.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate_pem: String,
    leaf_key: KeyPair,
    validity: (SystemTime, SystemTime),
    cache: Mutex<HashMap<String, Arc<ServerConfig>>>,
}

impl Authority {
    /// Makes an authority that may sign for `hosts` (route patterns) only.
    pub(crate) fn new<'a>(hosts: impl Iterator<Item = &'a str>) -> Result<Self, CaError> {
        let now = SystemTime::now();
        let validity = (now - CLOCK_SKEW, now + LIFE);
        let mut params = CertificateParams::new(Vec::new())?;
        params.not_before = validity.0.into();
        params.not_after = validity.1.into();
        params.distinguished_name = name(&format!("bot-bottle launch {}", random_hex()?));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.name_constraints = Some(constraints(hosts));
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        Ok(Self {
            certificate_pem: certificate.pem(),
            issuer: Issuer::new(params, key),
            leaf_key: KeyPair::generate()?,
            validity,
            cache: Mutex::default(),
        })
    }

    pub(crate) fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The configuration that answers as `host`, which a route must have allowed before.
    pub(crate) fn server_config(&self, host: &str) -> Result<Arc<ServerConfig>, CaError> {
        if let Some(config) = self.cache().get(host) {
            return Ok(config.clone());
        }
        let config = Arc::new(self.sign(host)?);
        let mut cache = self.cache();
        if cache.len() >= CACHED_HOSTS {
            cache.clear();
        }
        cache.insert(host.to_owned(), config.clone());
        Ok(config)
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<ServerConfig>>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sign(&self, host: &str) -> Result<ServerConfig, CaError> {
        let mut params = CertificateParams::new(vec![host.to_owned()])?;
        params.not_before = self.validity.0.into();
        params.not_after = self.validity.1.into();
        // A common name ends at 64 characters; clients read the alternative name.
        params.distinguished_name = name(host.get(..64).unwrap_or(host));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        // Python 3.13 and later refuse a leaf without it.
        params.use_authority_key_identifier_extension = true;
        let leaf = params.signed_by(&self.leaf_key, &self.issuer)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.leaf_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.send_tls13_tickets = 1;
        Ok(config)
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authority(…)")
    }
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}

fn constraints<'a>(hosts: impl Iterator<Item = &'a str>) -> NameConstraints {
    // A constraint covers a name and all below it: `*.a.test` is written as `a.test`.
    let mut permitted: Vec<_> = hosts
        .map(|host| GeneralSubtree::DnsName(host.strip_prefix("*.").unwrap_or(host).to_owned()))
        .collect();
    if permitted.is_empty() {
        // No entry at all would permit every name; RFC 6761 keeps this one unused.
        permitted.push(GeneralSubtree::DnsName("invalid".to_owned()));
    }
    let excluded_subtrees = vec![
        GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([0; 4], 0)),
        GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix([0; 16], 0)),
    ];
    NameConstraints { permitted_subtrees: permitted, excluded_subtrees }
}

fn random_hex() -> Result<String, CaError> {
    let mut bytes = [0u8; 8];
    SystemRandom::new().fill(&mut bytes).map_err(|_| CaError::Random)?;
    Ok(crate::shown::hex(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

    #[test]
    fn a_host_is_signed_for_once_and_the_cache_is_bounded() {
        let ca = Authority::new(["*.a.test"].into_iter()).expect("an authority");
        let first = ca.server_config("x.a.test").expect("a configuration");
        assert!(Arc::ptr_eq(&first, &ca.server_config("x.a.test").expect("again")));
        for i in 0..CACHED_HOSTS + 8 {
            ca.server_config(&format!("h{i}.a.test")).expect("a configuration");
        }
        assert!(ca.cache().len() <= CACHED_HOSTS);
    }

    /// A handshake in memory as `host`, by a client that trusts the authority.
    fn handshake(ca: &Authority, host: &str) -> Result<(), rustls::Error> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca.certificate_pem().as_bytes()).expect("PEM"))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = host.to_owned().try_into().expect("a name");
        let mut client = rustls::ClientConnection::new(Arc::new(config), name)?;
        let mut server = rustls::ServerConnection::new(ca.server_config(host).expect("a configuration"))?;
        while client.is_handshaking() {
            let mut wire = Vec::new();
            client.write_tls(&mut wire).expect("bytes");
            server.read_tls(&mut wire.as_slice()).expect("bytes");
            server.process_new_packets()?;
            let mut wire = Vec::new();
            server.write_tls(&mut wire).expect("bytes");
            client.read_tls(&mut wire.as_slice()).expect("bytes");
            client.process_new_packets()?;
        }
        Ok(())
    }

    #[test]
    fn a_certificate_outside_the_route_list_would_not_be_believed() {
        let ca = Authority::new(["a.test", "*.b.test"].into_iter()).expect("an authority");
        assert_eq!(handshake(&ca, "a.test"), Ok(()));
        assert_eq!(handshake(&ca, "x.b.test"), Ok(()));
        assert!(handshake(&ca, "evil.test").is_err());
        let none = Authority::new(std::iter::empty()).expect("an authority");
        assert!(handshake(&none, "a.test").is_err());
    }

    #[test]
    fn the_longest_name_can_be_signed_for() {
        let label = "a".repeat(63);
        let host = format!("{label}.{label}.{label}.test");
        let ca = Authority::new([host.as_str()].into_iter()).expect("an authority");
        assert!(ca.server_config(&host).is_ok());
        assert!(Authority::new(std::iter::empty()).is_ok());
    }
}
