import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import ts from "typescript";

/** What the laws of test/house.test.ts read: source files as text and as syntax. */

export const productFiles = globSync(["edge/**/*.ts", "origin/**/*.ts"]).sort();
export const toolFiles = globSync(["infra/**/*.ts", "clients/**/*.ts"]).sort();
export const sourceFiles = [...productFiles, ...toolFiles];
export const testFiles = globSync("test/**/*.ts").sort();
export const allFiles = [...sourceFiles, ...testFiles];

const texts = new Map<string, string>();
const trees = new Map<string, ts.SourceFile>();

/** The text of a file, read once. */
export function readText(file: string): string {
  const known = texts.get(file);
  if (known !== undefined) return known;
  const text = readFileSync(file, "utf8");
  texts.set(file, text);
  return text;
}

/** The syntax tree of a file, parsed once. */
export function parseFile(file: string): ts.SourceFile {
  const known = trees.get(file);
  if (known) return known;
  const tree = ts.createSourceFile(file, readText(file), ts.ScriptTarget.ESNext, true);
  trees.set(file, tree);
  return tree;
}

/** One import, export-from, or dynamic import: where it leads, as written and from the root. */
export interface Import {
  written: string;
  to: string;
  isType: boolean;
}

/** Every module that a file names, dynamic imports and types included. */
export function readImports(file: string): Import[] {
  const found: Import[] = [];
  walk(parseFile(file), (node) => {
    const specifier = findSpecifier(node);
    if (specifier !== null) found.push({ written: specifier, to: resolve(file, specifier), isType: isTypeOnly(node) });
  });
  return found;
}

function findSpecifier(node: ts.Node): string | null {
  if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) {
    return ts.isStringLiteral(node.moduleSpecifier) ? node.moduleSpecifier.text : null;
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
    return node.argument.literal.text;
  }
  if (!ts.isCallExpression(node) || node.expression.kind !== ts.SyntaxKind.ImportKeyword) return null;
  const [argument] = node.arguments;
  return argument && ts.isStringLiteral(argument) ? argument.text : null;
}

function isTypeOnly(node: ts.Node): boolean {
  if (ts.isImportTypeNode(node)) return true;
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  if (!ts.isImportDeclaration(node) || !node.importClause) return false;
  const { importClause: clause } = node;
  const named = clause.namedBindings && ts.isNamedImports(clause.namedBindings) ? clause.namedBindings.elements : [];
  return clause.isTypeOnly || (named.length > 0 && !clause.name && named.every((element) => element.isTypeOnly));
}

function resolve(file: string, to: string): string {
  if (to.startsWith(".")) return normalize(join(dirname(file), to));
  return to.startsWith("#") ? to.slice(1) : to;
}

/** Calls `visit` for a node and all below it. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

/** `file:line` of a node. */
export function locate(node: ts.Node): string {
  const source = node.getSourceFile();
  return `${source.fileName}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
}

/** Is this declared with `export`? */
export function isExported(node: ts.Node): boolean {
  return Boolean(
    ts.canHaveModifiers(node) && ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword),
  );
}

/** The names that a file declares at its top. */
export function readDeclaredNames(file: string): string[] {
  return parseFile(file).statements.flatMap((node) => {
    if (ts.isVariableStatement(node)) return node.declarationList.declarations.map(({ name }) => name.getText());
    const isNamed =
      ts.isFunctionDeclaration(node) ||
      ts.isClassDeclaration(node) ||
      ts.isInterfaceDeclaration(node) ||
      ts.isTypeAliasDeclaration(node);
    return isNamed && node.name ? [node.name.text] : [];
  });
}

/** Every comment of a file with its line: line comments that stand together are one. */
export function readComments(file: string): { line: number; text: string }[] {
  const source = parseFile(file);
  const found: { line: number; text: string; end: number }[] = [];
  const seen = new Set<number>();
  const take = (ranges: ts.CommentRange[] | undefined) => {
    for (const { pos, end } of ranges ?? []) {
      if (seen.has(pos)) continue;
      seen.add(pos);
      found.push({
        line: source.getLineAndCharacterOfPosition(pos).line + 1,
        text: source.text.slice(pos, end),
        end: source.getLineAndCharacterOfPosition(end).line + 1,
      });
    }
  };
  walk(source, (node) => {
    take(ts.getLeadingCommentRanges(source.text, node.getFullStart()));
    take(ts.getTrailingCommentRanges(source.text, node.end));
  });
  found.sort((one, other) => one.line - other.line);
  const joined: typeof found = [];
  for (const comment of found) {
    const last = joined.at(-1);
    if (last && last.end === comment.line - 1 && comment.text.startsWith("//") && last.text.startsWith("//")) {
      last.text += ` ${comment.text.replace(/^\/\/ ?/, "")}`;
      last.end = comment.end;
    } else joined.push({ ...comment });
  }
  return joined.map(({ line, text }) => ({ line, text }));
}
