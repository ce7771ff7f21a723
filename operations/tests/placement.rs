//! What operations say of where their pixels come from is where they come from.
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use tessera_core::geometry::Size;
use tessera_core::operation::Extent;
use tessera_core::pixel::{Channels, Depth, PixelType};
use tessera_operations::{Operation, Region, Samples, plan_chain, run_chain};

/// A picture whose every sample is another.
fn numbered(width: u32, height: u32) -> Region {
    let samples = Samples::U16((0..width * height).map(|at| at as u16).collect());
    Region { rect: Size::new(width, height).rect(), channels: Channels::Gray, samples }
}

fn check(chain: &str) {
    let picture = numbered(31, 17);
    let operations: Vec<Operation> = serde_json::from_str(chain).unwrap();
    let extent = Extent { size: picture.rect.size(), pixel: PixelType::new(Channels::Gray, Depth::U16) };
    let plan = plan_chain(&operations, extent).unwrap();
    let size = plan.output().size;
    let Samples::U16(result) = run_chain(&operations, &plan, size.rect(), picture).samples else { panic!() };
    assert!(plan.keeps_samples(), "{chain}");
    for (at, sample) in (0u32..).zip(result) {
        let (u, v) = (f64::from(at % size.width) + 0.5, f64::from(at / size.width) + 0.5);
        let (x, y) = plan.placement().at(u, v);
        assert_eq!(u32::from(sample), y as u32 * 31 + x as u32, "{chain} at {u}, {v}");
    }
}

#[test]
fn pixels_are_where_they_are_said_to_be() {
    check("[]");
    check(r#"[{"crop":{"x":3,"y":5,"width":11,"height":7}}]"#);
    for axis in ["horizontal", "vertical"] {
        check(&format!(r#"[{{"flip":{{"axis":"{axis}"}}}}]"#));
    }
    for degrees in [90, 180, 270] {
        check(&format!(r#"[{{"rotate":{{"degrees":{degrees}}}}}]"#));
    }
    check(r#"[{"resize":{"width":93,"height":51,"filter":"nearest"}},{"rotate":{"degrees":270}}]"#);
    check(
        r#"[{"crop":{"x":3,"y":5,"width":11,"height":7}},{"rotate":{"degrees":90}},{"flip":{"axis":"vertical"}},{"crop":{"x":1,"y":2,"width":3,"height":4}}]"#,
    );
}

#[test]
fn a_chain_turns_by_an_odd_number_of_quarter_turns() {
    let turns = |chain: &str| {
        let operations: Vec<Operation> = serde_json::from_str(chain).unwrap();
        let pixel = PixelType::new(Channels::Gray, Depth::U16);
        plan_chain(&operations, Extent { size: Size::new(31, 17), pixel }).unwrap().turns()
    };
    let [quarter, half] = [90, 180].map(|degrees| format!(r#"{{"rotate":{{"degrees":{degrees}}}}}"#));
    let other =
        r#"{"crop":{"x":3,"y":5,"width":7,"height":9}},{"flip":{"axis":"vertical"}},{"resize":{"scale":3}}"#;
    assert!(turns(&format!("[{quarter}]")) && turns(&format!("[{quarter},{other},{half}]")));
    assert!(!turns(&format!("[{half},{other}]")) && !turns(&format!("[{quarter},{other},{quarter}]")));
}
