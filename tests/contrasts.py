"""How well the texts of a page stand out, measured by the browser itself."""

# Every text with the contrast of its own colour to the colour it is really drawn upon: WCAG 2.2,
# success criterion 1.4.3.
CONTRASTS = """output => {
  const parse = text => {
    const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
    return text.startsWith("color(") ? [r * 255, g * 255, b * 255, a] : [r, g, b, a];
  };
  const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3]));
  const light = colour => {
    const [r, g, b] = colour.map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  const behind = node => {
    const parent = node.parentElement;
    const below = parent ? behind(parent) : [255, 255, 255];
    return over(parse(getComputedStyle(node).backgroundColor), below);
  };
  const opacity = node => node ? getComputedStyle(node).opacity * opacity(node.parentElement) : 1;
  const found = [], walk = document.createTreeWalker(output, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode.textContent.trim(), node = walk.currentNode.parentElement;
    if (!text || !node.getClientRects().length) continue;
    const page = behind(node), own = parse(getComputedStyle(node).color);
    own[3] *= opacity(node);
    const [a, b] = [light(over(own, page)), light(page)].sort((x, y) => y - x);
    found.push([text, a / b]);
  }
  return found;
}"""
