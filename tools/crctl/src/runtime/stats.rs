// SPDX-License-Identifier: GPL-2.0

//! Statistics of the kernel, under the names that criu uses.

use cr_codec::uapi::cr_stats;

use crate::cli::StatsFormat;

/// Names and values.
fn fields(stats: &cr_stats) -> [(&'static str, u64); 11] {
    [
        ("freezing_time", stats.freezing_time),
        ("frozen_time", stats.frozen_time),
        ("memdump_time", stats.memdump_time),
        ("memwrite_time", stats.memwrite_time),
        ("pages_scanned", stats.pages_scanned),
        ("pages_written", stats.pages_written),
        ("forking_time", stats.forking_time),
        ("restore_time", stats.restore_time),
        ("pages_restored", stats.pages_restored),
        ("nr_tasks", stats.nr_tasks),
        ("image_bytes", stats.image_bytes),
    ]
}

/// Prints them to standard error.
pub fn print(stats: &cr_stats, format: StatsFormat) {
    eprint!("{}", render(stats, format));
}

fn render(stats: &cr_stats, format: StatsFormat) -> String {
    let fields = fields(stats);
    match format {
        StatsFormat::Text => {
            let lines = fields.map(|(name, value)| format!("{name}: {value}\n"));
            lines.concat()
        }
        StatsFormat::Json => {
            let object: serde_json::Map<_, _> = fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).into()))
                .collect();
            format!("{}\n", serde_json::Value::Object(object))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        let stats = cr_stats {
            frozen_time: 17,
            ..Default::default()
        };
        assert!(render(&stats, StatsFormat::Text).contains("\nfrozen_time: 17\n"));
        let json = render(&stats, StatsFormat::Json);
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["frozen_time"], 17);
        assert_eq!(json.as_object().unwrap().len(), size_of::<cr_stats>() / 8);
    }
}
