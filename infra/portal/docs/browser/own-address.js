// The guides are written with the address of a gateway on this machine; whoever reads them here reads this one's.
const written = "http://127.0.0.1:8787";
const texts = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
  const text = texts.currentNode;
  if (text.data.includes(written)) text.data = text.data.replaceAll(written, location.origin);
}
