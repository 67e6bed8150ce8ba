// Names as queries say them: metric.accuracy, parameter["n-trees"].

const KEYWORDS = new Set(("False None True and as assert async await break class continue def del elif else except finally for from " +
  "global if import in is lambda nonlocal not or pass raise return try while with yield").split(" "));

/** How a query says a value: the same as the Hub's own way, so that a column is known by one name. */
export function operand(kind, name) {
  const isPlain = /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !KEYWORDS.has(name) && !name.startsWith("__");
  return isPlain ? `${kind}.${name}` : `${kind}[${JSON.stringify(name)}]`;
}

/** All columns of a project: [{kind, title, name}], from what /names answers. */
export function columnsOf(names, fields) {
  const kinds = [["metric", names.metrics], ["parameter", names.parameters], ["label", names.labels]];
  const values = kinds.flatMap(([kind, found]) => found.map((title) => ({ kind, title, name: operand(kind, title) })));
  return [...values, ...fields.map((title) => ({ kind: "run", title, name: title }))];
}
