import { expect, test } from "vitest";

import { type Column, sortedBy } from "./sortable_table";

interface Row {
  name: string;
  value: number | null;
}

const columns: Column<Row>[] = [
  { name: "name", title: "", cell: (row) => row.name, sortBy: (row) => row.name },
  { name: "value", title: "", cell: (row) => row.value, sortBy: (row) => row.value, isNumber: true },
  { name: "fixed", title: "", cell: () => "" },
];
const rows: Row[] = [{ name: "b", value: 2 }, { name: "c", value: null }, { name: "a", value: 10 }];
const order = (sort: string | undefined) => sortedBy(rows, columns, sort).map(({ name }) => name).join("");

test("numbers sort as numbers, and what is not known comes last both ways", () => {
  expect([order("value"), order("-value")]).toEqual(["bac", "abc"]);
});

test("texts sort both ways", () => {
  expect([order("name"), order("-name")]).toEqual(["abc", "cba"]);
});

test("a column that cannot be sorted by, or does not exist, changes nothing", () => {
  expect([order(undefined), order("fixed"), order("-nothing")]).toEqual(["bca", "bca", "bca"]);
});
