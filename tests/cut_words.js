// Words that end behind the window's edge, or behind the edge of a box that hides what is too long and shows no dots.
() => {
  const FOR_READERS = ".hush, .desk-hush, .sr-only, .skip, [class*=hidden], select, option";
  const cut = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const words = node.textContent.trim();
    const parent = node.parentElement;
    if (!words || parent.closest(FOR_READERS)) continue;
    if (!parent.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const { right, width, height } = range.getBoundingClientRect();
    if (!width || !height) continue;
    for (let box = parent; box; box = box.parentElement) {
      const style = getComputedStyle(box);
      const hasDots = style.textOverflow === "ellipsis" && style.whiteSpace === "nowrap";
      if (hasDots || box.clientWidth <= 1 || ["auto", "scroll"].includes(style.overflowX)) break;
      const hides = ["hidden", "clip"].includes(style.overflowX);
      const edge = box === document.body ? innerWidth : hides ? box.getBoundingClientRect().right : Infinity;
      if (right > edge + 1) cut.push(words);
    }
  }
  return cut;
}
