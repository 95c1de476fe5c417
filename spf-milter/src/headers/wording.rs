//! The sentences that say what a result means.

use std::net::IpAddr;

use spf::SpfResult;

/// Says what the domain of `address` states about `ip`, in the words that mail administrators have read in these
/// headers since 2004.
pub(crate) fn sentence(result: SpfResult, ip: IpAddr, address: &str) -> String {
    match result {
        SpfResult::Pass => format!("domain of {address} designates {ip} as permitted sender"),
        SpfResult::None => format!("domain of {address} does not designate permitted sender hosts"),
        SpfResult::Fail => format!("domain of {address} does not designate {ip} as permitted sender"),
        SpfResult::Softfail => {
            format!("transitioning domain of {address} does not designate {ip} as permitted sender")
        }
        SpfResult::Neutral => format!("{ip} is neither permitted nor denied by domain of {address}"),
        SpfResult::Temperror | SpfResult::Permerror => format!("error in processing during lookup of {address}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_result_has_its_sentence() {
        let ip = IpAddr::from([69, 25, 30, 112]);
        let lines = SpfResult::ALL.map(|result| format!("{result}: {}", sentence(result, ip, "fool@foolsubs.com")));
        insta::assert_snapshot!(lines.join("\n"));
    }
}
