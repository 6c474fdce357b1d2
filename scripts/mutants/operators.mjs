// Finds the places of a source file where a fault can be planted, by operator, through its syntax tree. Types, the words of
// errors and calls that reach other processes are left alone.

import { createHash } from "node:crypto";

import { parseSync } from "rolldown/utils";

const OPPOSITE = { "===": "!==", "!==": "===", "<": "<=", "<=": "<", ">": ">=", ">=": ">" };

const ARITHMETIC = { "+": "-", "-": "+", "*": "+", "/": "*", "^": "|" };

/** The operators, in the order in which places are drawn from them. */
const OPERATORS = ["comparison", "one", "negation", "dropped", "swapped"];
/** Drawn from where those leave a file with too few places. */
const FURTHER = ["arithmetic", "returned"];

/** Every fault that could be planted in a file. */
export function faultsOf(file, text) {
  const parsed = parseSync(file, text);
  if (parsed.errors.length > 0) throw new Error(`${file} does not parse: ${parsed.errors[0].message}`);
  const faults = [];
  const counts = new Map();
  const plant = (operator, { start, end }, is) => {
    const was = text.slice(start, end);
    const from = text.lastIndexOf("\n", start - 1) + 1;
    const at = text.slice(from, text.indexOf("\n", start)).trim();
    const key = [file, operator, at, short(was), short(is)].join("\n");
    counts.set(key, (counts.get(key) ?? 0) + 1);
    const id = hash(`${key}\n${counts.get(key)}`).slice(0, 8);
    const mutated = text.slice(0, start) + is + text.slice(end);
    faults.push({ id, file, operator, at, was: short(was), is: short(is), mutated });
  };
  walk(parsed.program, (node, parent) => plantIn(node, parent, text, plant));
  return faults;
}

/** Some faults of a file: from each operator in turn, and by hash, so that a change elsewhere does not draw others. */
export function draw(faults, count, seed) {
  const drawn = [];
  for (const operators of [OPERATORS, FURTHER]) {
    const piles = operators.map((operator) =>
      faults
        .filter((fault) => fault.operator === operator)
        .toSorted((a, b) => (hash(seed + a.id) < hash(seed + b.id) ? -1 : 1)),
    );
    while (drawn.length < count && piles.some((pile) => pile.length > 0))
      for (const pile of piles) if (drawn.length < count && pile.length > 0) drawn.push(pile.shift());
  }
  return drawn;
}

/** A digest of what runs in a file: its text without comments and layout, so that a reworded comment spoils no result. */
export function digestOf(file, text) {
  const parsed = parseSync(file, text);
  let code = "";
  let from = 0;
  for (const { start, end } of parsed.comments) {
    code += text.slice(from, start);
    from = end;
  }
  return hash((code + text.slice(from)).replaceAll(/\s+/g, " "));
}

function plantIn(node, parent, text, plant) {
  const textOf = ({ start, end }) => text.slice(start, end);
  switch (node.type) {
    case "BinaryExpression": {
      const { left, right, operator } = node;
      const between = { start: left.end, end: right.start };
      const opposite = OPPOSITE[operator];
      if (opposite) plant("comparison", between, textOf(between).replace(operator, opposite));
      if (/^[<>]=?$/.test(operator)) plant("one", right, `(${textOf(right)} + 1)`);
      const other = ARITHMETIC[operator];
      if (other && !isText(left) && !isText(right))
        plant("arithmetic", between, textOf(between).replace(operator, other));
      return;
    }
    case "Literal":
      if (typeof node.value === "number" && node.value < 100 && parent.type !== "UnaryExpression")
        plant("one", node, String(node.value + 1));
      if (typeof node.value === "boolean") plant("negation", node, String(!node.value));
      return;
    case "LogicalExpression": {
      const between = { start: node.left.end, end: node.right.start };
      const swap = { "&&": "||", "||": "&&" }[node.operator];
      // `a ?? b && c` without brackets is no JavaScript.
      if (swap && parent.type !== "LogicalExpression")
        plant(
          "negation",
          node,
          `(${textOf(node.left)})${textOf(between).replace(node.operator, swap)}(${textOf(node.right)})`,
        );
      return;
    }
    case "UnaryExpression":
      if (isNegated(node)) plant("negation", node, textOf(node.argument));
      return;
    case "ConditionalExpression":
      if (!isNegated(node.test)) plant("negation", node.test, `!(${textOf(node.test)})`);
      return;
    case "IfStatement":
      if (!isNegated(node.test)) plant("negation", node.test, `!(${textOf(node.test)})`);
      if (!node.alternate && parent.alternate !== node) plant("dropped", node, ";");
      return;
    case "ExpressionStatement":
      if (node.expression.callee?.type !== "Super" && !node.directive) plant("dropped", node, ";");
      return;
    case "ReturnStatement":
      if (node.argument) plant("returned", node.argument, "undefined");
      return;
    case "ArrowFunctionExpression":
      if (!["BlockStatement", "Identifier"].includes(node.body.type))
        plant("returned", node.body, "undefined");
      return;
    case "AwaitExpression":
      plant("dropped", node, `(${textOf(node.argument)})`);
      return;
    case "ObjectExpression":
      if (node.properties[0]?.type === "SpreadElement")
        for (const property of node.properties.slice(1))
          if (property.type === "Property") plant("dropped", property, "...{}");
      return;
    case "BlockStatement":
      for (const [index, first] of node.body.entries()) {
        const second = node.body[index + 1];
        if (second?.type !== "ExpressionStatement" || first.type !== "ExpressionStatement") continue;
        if (first.expression.callee?.type === "Super" || (isPlain(first) && isPlain(second))) continue;
        const both = { start: first.start, end: second.end };
        plant("swapped", both, `${textOf(second)} ${textOf(first)}`);
      }
  }
}

function isNegated(test) {
  return test.type === "UnaryExpression" && test.operator === "!";
}

function isText({ type, value }) {
  return type === "TemplateLiteral" || typeof value === "string";
}

/** An assignment that calls nothing: two of them may stand in any order. */
function isPlain({ expression }) {
  return expression.type === "AssignmentExpression" && !/Call|Await|New/.test(expression.right.type);
}

/** Visits what runs: no types, no words of errors, no signal to a process. */
function walk(node, visit, parent = {}) {
  const isType = node.type.startsWith("TS") && !node.expression;
  const isError = node.type === "NewExpression" && node.callee.name?.endsWith("Error");
  const isKill = node.type === "CallExpression" && node.callee.property?.name === "kill";
  if (isType || isError || isKill || node.type === "ImportDeclaration") return;
  visit(node, parent);
  for (const [key, value] of Object.entries(node))
    if (key !== "typeAnnotation" && key !== "returnType")
      for (const child of [value].flat()) if (typeof child?.type === "string") walk(child, visit, node);
}

/** One line of it, to be read and compared. */
function short(code) {
  const line = code.replaceAll(/\s+/g, " ").trim();
  return line.length > 90 ? `${line.slice(0, 60)} … ${line.slice(-25)}` : line;
}

function hash(text) {
  return createHash("sha256").update(text).digest("hex");
}
