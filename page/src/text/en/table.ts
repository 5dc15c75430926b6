// The words of tables.

export const table = {
  shown: (shown: string, all: string) => `${shown} of ${all} are shown.`,
  more: "Show more",
  asTable: "As a table",
};
