//! The chain of a request: parsed and checked once, with the digest under which its tiles are remembered. Pure.

use tessera_core::limit::MAX_HALO;
use tessera_core::operation::{Extent, Planned};
use tessera_core::record::sha256;
use tessera_operations::{Apply, Operation, plan_chain};

use crate::error::PreviewError;

/// The longest text of a chain, in bytes: 32 operations with kernels of 31 x 31 numbers do not come by a URL.
const LONGEST: usize = 64 << 10;

/// The most operations, as a pool has it.
const MOST: usize = 32;

/// A chain whose parameters are within their bounds.
#[derive(Debug, Clone, PartialEq)]
pub struct ValidChain {
    /// Its operations in order.
    pub operations: Vec<Operation>,
    /// SHA-256 of their JSON, which is the same for the same operations.
    pub digest: String,
}

impl ValidChain {
    /// The chain of a text, which is JSON as in an ImageJob; an empty text is an empty chain.
    ///
    /// # Errors
    /// [`PreviewError::Chain`]: it says which operation is wrong.
    pub fn parse(text: &str) -> Result<ValidChain, PreviewError> {
        if text.len() > LONGEST {
            let text = format!("the chain has {} bytes: use at most {LONGEST}", text.len());
            return Err(PreviewError::Chain(text));
        }
        let operations: Vec<Operation> = match text.trim() {
            "" => Vec::new(),
            text => serde_json::from_str(text).map_err(|error| PreviewError::Chain(error.to_string()))?,
        };
        ValidChain::new(operations)
    }

    /// The chain of operations.
    ///
    /// # Errors
    /// As [`ValidChain::parse`].
    pub fn new(operations: Vec<Operation>) -> Result<ValidChain, PreviewError> {
        if operations.len() > MOST {
            let text = format!("{} operations: use at most {MOST}", operations.len());
            return Err(PreviewError::Chain(text));
        }
        for (position, operation) in operations.iter().enumerate() {
            let wrong = |error| format!("operations[{position}].{}: {error}", operation.name());
            operation.check_bounds().map_err(|error| PreviewError::Chain(wrong(error)))?;
        }
        let json =
            serde_json::to_vec(&operations).expect("operations have only string keys and finite numbers");
        Ok(ValidChain { operations, digest: sha256(&json) })
    }

    /// Checks that the chain fits an image as a job would, and gives the result's extent.
    ///
    /// # Errors
    /// [`PreviewError::Chain`].
    pub fn fit(&self, source: Extent) -> Result<Extent, PreviewError> {
        let chain =
            plan_chain(&self.operations, source).map_err(|error| PreviewError::Chain(error.to_string()))?;
        let halo = chain.halo();
        if halo > MAX_HALO {
            return Err(PreviewError::Chain(format!(
                "the chain reads {halo} pixels around each pixel, and the limit is {MAX_HALO}: use smaller radii"
            )));
        }
        Ok(chain.output())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tessera_core::geometry::Size;
    use tessera_core::pixel::{Channels, Depth, PixelType};

    fn refused(text: &str) -> String {
        ValidChain::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn the_same_operations_have_the_same_digest_however_they_are_written() {
        let short = ValidChain::parse(r#"[{"sobel":{}}]"#).unwrap();
        let long = ValidChain::parse(r#" [ {"sobel": {"scale": 1.0, "norm": "l2"}} ]"#).unwrap();
        assert_eq!(short.digest, long.digest);
        assert_ne!(short.digest, ValidChain::parse("").unwrap().digest);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        assert!(
            refused(r#"[{"invert":{}},{"gaussianBlur":{"sigma":0}}]"#)
                .contains("operations[1].gaussianBlur: sigma")
        );
        assert!(refused(r#"[{"gaussian":{}}]"#).contains("gaussianBlur"));
        assert!(refused("{").contains("line 1"));
        assert!(refused(&"[".repeat(70_000)).contains("at most"));
        assert!(refused(&format!("[{}]", [r#"{"invert":{}}"#; 33].join(","))).contains("at most 32"));
    }

    #[test]
    fn a_chain_that_does_not_fit_the_image_is_refused() {
        let pixel = PixelType::new(Channels::Rgb, Depth::U8);
        let extent = Extent { size: Size::new(100, 100), pixel };
        let crop = ValidChain::parse(r#"[{"crop":{"x":90,"y":0,"width":20,"height":20}}]"#).unwrap();
        assert!(crop.fit(extent).unwrap_err().to_string().contains("operations[0].crop"));
        let blurs = format!("[{}]", [r#"{"gaussianBlur":{"sigma":100}}"#; 8].join(","));
        assert!(ValidChain::parse(&blurs).unwrap().fit(extent).unwrap_err().to_string().contains("2048"));
    }
}
