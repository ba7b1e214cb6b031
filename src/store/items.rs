//! What every keychain has in common: small named pieces of text, each replaced whole. Blocking.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::Error;

/// Named items. An item is written and read whole, and the last writer wins.
pub trait Items {
    /// The item's content; `None` if the keychain is open and has no such item.
    fn get(&mut self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Error>;
    /// Writes the item, new or not. The content is UTF-8 because some keychains keep text only.
    fn set(&mut self, name: &str, content: &str) -> Result<(), Error>;
    /// Removes the item; whether there was one.
    fn delete(&mut self, name: &str) -> Result<bool, Error>;
}

impl Items for BTreeMap<String, Zeroizing<Vec<u8>>> {
    fn get(&mut self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        Ok(BTreeMap::get(self, name).cloned())
    }

    fn set(&mut self, name: &str, content: &str) -> Result<(), Error> {
        self.insert(name.to_owned(), Zeroizing::new(content.as_bytes().to_vec()));
        Ok(())
    }

    fn delete(&mut self, name: &str) -> Result<bool, Error> {
        Ok(self.remove(name).is_some())
    }
}
