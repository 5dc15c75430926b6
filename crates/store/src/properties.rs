//! How columns are encoded in files.
//!
//! Measured on nginx logs: zstd 1 (3 gains nothing), dictionaries where values repeat, lengths and bytes apart
//! for texts, differences for numbers that ascend. Other tools read all of it: the encodings are those of
//! Parquet 2, the pages those of Parquet 1. Pages are granules of our filters, so a needle decodes 4,096 values.

use std::sync::LazyLock;

use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use weir_record::FieldKind;

use crate::builder::BATCH_ROWS_MAX;
use crate::filter::GRANULE_ROWS;
use crate::schema::{COLUMNS, LINE, ORIGIN, RAW, SEQUENCE, TIME, column_kind, schema};

/// Bytes at which a page ends before it has all rows of a granule: a hit whose stack is shown unpacks half a
/// megabyte of stacks and not four.
const PAGE_BYTES_MAX: usize = 512 << 10;

/// Rows after which the size of a page is looked at; a part of a granule.
const BATCH_ROWS: usize = 512;

/// The properties of every file.
pub(crate) static PROPERTIES: LazyLock<WriterProperties> = LazyLock::new(|| {
    let sorting = [TIME, SEQUENCE].map(|column| SortingColumn {
        column_idx: column as i32,
        descending: false,
        nulls_first: false,
    });
    let mut builder = WriterProperties::builder()
        .set_created_by("weir".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).unwrap_or_default()))
        .set_max_row_group_row_count(Some(BATCH_ROWS_MAX))
        .set_data_page_row_count_limit(GRANULE_ROWS)
        .set_data_page_size_limit(PAGE_BYTES_MAX)
        .set_write_batch_size(BATCH_ROWS)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_sorting_columns(Some(sorting.to_vec()));
    for column in 0..COLUMNS {
        let path = ColumnPath::from(schema().field(column).name().as_str());
        let kind = match column {
            ORIGIN => Some(FieldKind::Keyword),
            RAW => Some(FieldKind::Text),
            _ => column_kind(column),
        };
        let name = path.parts()[0].as_str();
        builder = match kind {
            _ if matches!(column, SEQUENCE | LINE) || matches!(name, "bytes_in" | "bytes_out") => builder
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED)
                .set_column_statistics_enabled(path, EnabledStatistics::Page),
            Some(FieldKind::Time) => builder
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED)
                .set_column_statistics_enabled(path, EnabledStatistics::Page),
            Some(FieldKind::Integer | FieldKind::Seconds) => {
                builder.set_column_statistics_enabled(path, EnabledStatistics::Page)
            }
            Some(FieldKind::Text | FieldKind::Words) => builder
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::DELTA_LENGTH_BYTE_ARRAY),
            Some(FieldKind::Keyword | FieldKind::List) | None => builder,
        };
    }
    builder.build()
});
