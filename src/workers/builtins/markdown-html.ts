import type { Builtin } from './builtin.ts';

/** CommonMark with tables to HTML. Raw HTML in the source is shown as text, and links keep markdown-it's safe schemes. */
export const markdownHtml: Builtin = {
  name: 'markdown-html',
  supportedTypes: ['text/markdown', 'text/plain'],
  outputType: 'text/html',
  run: async (text) => {
    // Loaded with the first run: whoever only lists the built-ins does without it.
    const { default: MarkdownIt } = await import('markdown-it');
    return new MarkdownIt({ html: false, linkify: false, typographer: false }).render(text);
  },
};
