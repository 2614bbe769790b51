//! Stored records.

use innkeeper_store::record;

use crate::Tally;

/// A record of any kind.
pub fn stored(data: &[u8], tally: &mut Tally) {
    if let Some(roster) = tally.read("rosters", record::decode_roster(data)) {
        let written = record::encode_roster(&roster);
        let reread = record::decode_roster(&written).expect("what we wrote can be read");
        assert_eq!(record::encode_roster(&reread), written);
    }
    if let Some(entry) = tally.read("entries", record::decode_entry(data)) {
        let written = record::encode_entry(&entry);
        let reread = record::decode_entry(&written).expect("what we wrote can be read");
        assert_eq!(reread.hash(), entry.hash());
    }
    if let Some(personal) = tally.read("personal parts", record::decode_personal(data)) {
        let written = record::encode_personal(&personal);
        assert!(record::decode_personal(&written).is_ok());
    }
    if let Some(remembered) = tally.read("remembered answers", record::decode_remembered(data)) {
        let written = record::encode_remembered(&remembered);
        let reread = record::decode_remembered(&written).expect("what we wrote can be read");
        assert_eq!(reread, remembered);
    }
}
