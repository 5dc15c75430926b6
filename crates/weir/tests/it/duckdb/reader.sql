-- What a field's values are, in SQL: `c` is its column as text, `n` its column as a number, `t` and `j` what the
-- maps `_text` and `_json` have of it. One of them at most is not NULL.

-- Every value as text; a list's elements one by one.
CREATE MACRO texts_of(c, t, j) AS CASE
    WHEN c IS NOT NULL THEN [c]
    WHEN t IS NOT NULL THEN [t]
    WHEN j LIKE '[%' THEN json_extract_string(j, '$[*]')
    WHEN j IS NOT NULL THEN [j]
    ELSE CAST([] AS VARCHAR[]) END;

-- The same of a field whose text is several, separated by commas.
CREATE MACRO texts_of_list(c, t, j) AS CASE
    WHEN c IS NOT NULL THEN list_transform(string_split(c, ','), lambda x: trim(x))
    ELSE texts_of(NULL, t, j) END;

-- The number that a text reads as.
CREATE MACRO number_of(x) AS
    CASE WHEN regexp_full_match(x, '-?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?') THEN TRY_CAST(x AS DOUBLE) END;

CREATE MACRO numbers_of(texts) AS list_transform(texts, lambda x: number_of(x));

-- Values that were logged as numbers.
CREATE MACRO true_numbers_of(n, j) AS CASE
    WHEN n IS NOT NULL THEN [CAST(n AS DOUBLE)]
    WHEN j LIKE '[%' THEN list_transform(
        list_filter(json_extract(j, '$[*]'), lambda x: json_type(x) IN ('UBIGINT', 'BIGINT', 'DOUBLE')),
        lambda x: CAST(x AS DOUBLE))
    WHEN j IS NOT NULL THEN [number_of(j)]
    ELSE CAST([] AS DOUBLE[]) END;

-- Values that were logged as texts or truth values.
CREATE MACRO true_texts_of(c, t, j) AS CASE
    WHEN c IS NOT NULL THEN [c]
    WHEN t IS NOT NULL THEN [t]
    WHEN j LIKE '[%' THEN list_transform(
        list_filter(json_extract(j, '$[*]'), lambda x: json_type(x) = 'VARCHAR'), lambda x: x->>'$')
    WHEN j IS NOT NULL AND number_of(j) IS NULL THEN [j]
    ELSE CAST([] AS VARCHAR[]) END;

CREATE MACRO has_any(truths) AS coalesce(list_bool_or(truths), false);

-- What groups are made by: the type and the value, one for each element of a list.
CREATE MACRO key_of(c, n, t, j) AS CASE
    WHEN c IS NOT NULL THEN 's:' || c
    WHEN n IS NOT NULL THEN 'n:' || n
    WHEN t IS NOT NULL THEN 's:' || t
    WHEN j IN ('true', 'false') THEN 'b:' || j
    WHEN j IS NOT NULL THEN 'n:' || j
    END;

CREATE MACRO keys_of(c, n, t, j) AS CASE
    WHEN j LIKE '[%' THEN list_distinct(list_transform(json_extract(j, '$[*]'),
        lambda x: CASE WHEN json_type(x) = 'VARCHAR' THEN 's:' || (x->>'$') ELSE 'n:' || CAST(x AS VARCHAR) END))
    ELSE [coalesce(key_of(c, n, t, j), 'missing')] END;

CREATE MACRO keys_of_list(c, t, j) AS CASE
    WHEN c IS NOT NULL THEN list_distinct(list_transform(string_split(c, ','), lambda x: 's:' || trim(x)))
    ELSE keys_of(NULL, NULL, t, j) END;
