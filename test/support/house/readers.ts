import { join } from "node:path";
import ts from "typescript";
import { isExported, locate, parseFile, walk } from "./sources.ts";

export function mirror(file: string): string {
  return join("test", file.replace(/\.ts$/, ".test.ts"));
}

export function exportsFunction(file: string): boolean {
  return parseFile(file).statements.some((node) => {
    if (!isExported(node)) return false;
    if (ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node)) return true;
    return (
      ts.isVariableStatement(node) &&
      node.declarationList.declarations.some(
        ({ initializer }) => initializer && (ts.isArrowFunction(initializer) || ts.isFunctionExpression(initializer)),
      )
    );
  });
}

export function readTypeNames(file: string): { name: string; file: string }[] {
  return parseFile(file).statements.flatMap((node) => {
    const isType = ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node) || ts.isClassDeclaration(node);
    return isType && node.name ? [{ name: node.name.text, file }] : [];
  });
}

export function readFunctionNames(file: string): { name: string; at: string }[] {
  const found: { name: string; at: string }[] = [];
  walk(parseFile(file), (node) => {
    const isArrow = ts.isVariableDeclaration(node) && node.initializer && ts.isArrowFunction(node.initializer);
    const isFunction = ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node) || isArrow;
    if (isFunction && node.name) found.push({ name: node.name.getText(), at: locate(node) });
  });
  return found;
}

/** Every name that a file declares, wherever in it. */
export function readIdentifiers(file: string): { name: string; at: string }[] {
  const found: { name: string; at: string }[] = [];
  walk(parseFile(file), (node) => {
    const isNamed =
      ts.isVariableDeclaration(node) ||
      ts.isParameter(node) ||
      ts.isFunctionLike(node) ||
      ts.isClassLike(node) ||
      ts.isInterfaceDeclaration(node) ||
      ts.isTypeAliasDeclaration(node) ||
      ts.isPropertyDeclaration(node) ||
      ts.isPropertySignature(node) ||
      ts.isPropertyAssignment(node);
    if (!isNamed || !node.name || !(ts.isIdentifier(node.name) || ts.isPrivateIdentifier(node.name))) return;
    found.push({ name: node.name.text, at: locate(node) });
  });
  return found;
}

export function readStrings(file: string): { text: string; at: string }[] {
  const found: { text: string; at: string }[] = [];
  walk(parseFile(file), (node) => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node)) found.push({ text: node.text, at: locate(node) });
  });
  return found;
}

export function readMuteExports(file: string): string[] {
  const said = new Set<string>();
  const mute = new Map<string, string>();
  for (const node of parseFile(file).statements) {
    if (!isExported(node) || ts.isExportDeclaration(node)) continue;
    const names = ts.isVariableStatement(node)
      ? node.declarationList.declarations.map(({ name }) => name.getText())
      : [(node as ts.FunctionDeclaration).name?.text ?? "default"];
    for (const name of names) {
      if (ts.getJSDocCommentsAndTags(node).length > 0) said.add(name);
      else mute.set(name, locate(node));
    }
  }
  // A schema and the type inferred from it share a name and a sentence, as overloads do.
  return [...mute].filter(([name]) => !said.has(name)).map(([name, at]) => `${at}: ${name}`);
}
