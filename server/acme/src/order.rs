//! One order, from the names to the certificate: what each name is proved by, and what a CA found
//! where it didn't see it.

use instant_acme::{
    AuthorizationHandle, AuthorizationStatus, ChallengeStatus, ChallengeType, Identifier, NewOrder,
    Order, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair, PKCS_ECDSA_P256_SHA256};

use crate::{
    Account, AcmeError, Challenges, Kind, Name, Problem, Replaced,
    challenges::Answering,
    limits::{CHECKED_WITHIN, ISSUED_WITHIN},
};

/// What is ordered.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// For whom.
    pub names: &'a [Name],
    /// Which challenges are answered here, the best one first.
    pub kinds: &'a [Kind],
    /// The certificate it follows, where the CA has said when to renew that one (RFC 9773 section 5).
    pub replaces: Option<&'a Replaced>,
}

/// A certificate, as PEM.
pub struct Issued {
    /// The chain, the server's own certificate first.
    pub chain: String,
    /// The private key, which has never been anywhere else.
    pub key: String,
}

impl Account {
    /// Orders a certificate, and has `challenges` answer while the CA looks.
    pub async fn order(
        &self,
        wanted: Wanted<'_>,
        challenges: &Challenges,
    ) -> Result<Issued, AcmeError> {
        let failed = |error| self.failed(error);
        let mut order = self.begin(wanted).await?;
        let answering = challenges.answering();
        self.answer(&mut order, wanted.kinds, &answering).await?;
        if order.state().status == OrderStatus::Pending {
            let checked = order.poll_ready(&patience(CHECKED_WITHIN)).await;
            if !matches!(checked, Ok(OrderStatus::Ready)) {
                let found = self.what_was_found(&mut order, wanted.kinds).await;
                let refused = || AcmeError::Refused(Problem::default());
                return Err(found.unwrap_or_else(|| checked.map_or_else(failed, |_| refused())));
            }
        }
        drop(answering);
        let (request, key) = request(wanted.names)?;
        order.finalize_csr(&request).await.map_err(failed)?;
        let chain = order.poll_certificate(&patience(ISSUED_WITHIN)).await.map_err(failed)?;
        Ok(Issued { chain, key })
    }

    async fn begin(&self, wanted: Wanted<'_>) -> Result<Order, AcmeError> {
        let identifiers: Vec<Identifier> = wanted.names.iter().map(Name::identifier).collect();
        if let Some(replaced) = wanted.replaces {
            let following = NewOrder::new(&identifiers).replaces(replaced.identifier());
            if let Ok(order) = self.inner.new_order(&following).await {
                return Ok(order);
            }
            // It may have been replaced already, or be another CA's: that it is followed is a courtesy.
        }
        let made = self.inner.new_order(&NewOrder::new(&identifiers)).await;
        made.map_err(|error| self.failed(error))
    }

    /// Has the CA look at each name that it doesn't take as proved.
    async fn answer(
        &self,
        order: &mut Order,
        kinds: &[Kind],
        answering: &Answering<'_>,
    ) -> Result<(), AcmeError> {
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization.map_err(|error| self.failed(error))?;
            match authorization.status {
                AuthorizationStatus::Valid => continue,
                AuthorizationStatus::Pending => {}
                // A CA gives out none that can't be proved any more.
                _ => {
                    return Err(AcmeError::NotAcme("a name can't be proved in a new order".into()));
                }
            }
            let kind = choose(&authorization, kinds)?;
            let missing = || AcmeError::NotAcme("a challenge that was there has gone".into());
            let mut challenge = authorization.challenge(wire(kind)).ok_or_else(missing)?;
            let key = challenge.key_authorization();
            match kind {
                Kind::Http => answering.http(&challenge.token, key.as_str()),
                Kind::TlsAlpn => {
                    let name = challenge.identifier().to_string();
                    answering.tls(&name, key.digest().as_ref())?;
                }
            }
            challenge.set_ready().await.map_err(|error| self.failed(error))?;
        }
        Ok(())
    }

    /// What the CA found at the first name that isn't proved.
    async fn what_was_found(&self, order: &mut Order, kinds: &[Kind]) -> Option<AcmeError> {
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization.ok()?;
            let state = authorization.refresh().await.ok()?;
            let name = state.identifier().to_string();
            let of = |kind: &Kind| {
                let challenge = state.challenges.iter().find(|one| one.r#type == wire(*kind))?;
                let has_failed = challenge.status == ChallengeStatus::Invalid;
                let problem = challenge.error.as_ref().filter(|_| has_failed)?;
                let problem = Problem::new(problem);
                Some(AcmeError::Challenge { name: name.clone(), kind: kind.name(), problem })
            };
            if let Some(found) = kinds.iter().find_map(of) {
                return Some(found);
            }
        }
        None
    }
}

/// The first of these kinds that the CA offers for the name.
fn choose(authorization: &AuthorizationHandle<'_>, kinds: &[Kind]) -> Result<Kind, AcmeError> {
    let identifier = authorization.identifier();
    // Whoever looks at an address by TLS asks for a name that is made of it, which nothing here is shown for.
    let is_address = matches!(identifier.identifier, Identifier::Ip(_));
    let is_offered = |kind: &&Kind| {
        let fits = !(is_address && **kind == Kind::TlsAlpn);
        fits && authorization.challenges.iter().any(|one| one.r#type == wire(**kind))
    };
    let offered = || {
        let names = authorization.challenges.iter().map(|one| match &one.r#type {
            ChallengeType::Http01 => "http-01",
            ChallengeType::Dns01 => "dns-01",
            ChallengeType::TlsAlpn01 => "tls-alpn-01",
            _ => "others",
        });
        names.collect::<Vec<_>>().join(", ")
    };
    let none = || AcmeError::NoChallenge { name: identifier.to_string(), offered: offered() };
    kinds.iter().find(is_offered).copied().ok_or_else(none)
}

fn wire(kind: Kind) -> ChallengeType {
    match kind {
        Kind::Http => ChallengeType::Http01,
        Kind::TlsAlpn => ChallengeType::TlsAlpn01,
    }
}

fn patience(within: std::time::Duration) -> RetryPolicy {
    RetryPolicy::new().timeout(within)
}

/// The request for a certificate (RFC 2986) with a new key, and that key.
fn request(names: &[Name]) -> Result<(Vec<u8>, String), AcmeError> {
    let unusable = |_| AcmeError::Unusable("no request can be made for these names".into());
    let names: Vec<String> = names.iter().map(Name::to_string).collect();
    let mut params = CertificateParams::new(names).map_err(unusable)?;
    params.distinguished_name = DistinguishedName::new();
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(unusable)?;
    let request = params.serialize_request(&key).map_err(unusable)?;
    Ok((request.der().to_vec(), key.serialize_pem()))
}
