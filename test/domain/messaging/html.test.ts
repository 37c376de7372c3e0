import { describe, expect, test } from 'vitest';
import { cleanHtml, htmlToText } from '../../../domain/messaging/html.js';

describe('T20 markup from outside', () => {
  test.each([
    ['<script>alert(1)</script>', ''],
    ['<SCRIPT SRC=//x></SCRIPT>', ''],
    ['<img src=x onerror=alert(1)>', ''],
    ['<img src="https://tracker.example/pixel.gif">', ''],
    ['<svg><script>alert(1)</script></svg>', ''],
    ['<svg onload=alert(1)>', ''],
    ['<iframe src="https://x"></iframe>', ''],
    ['<style>body{background:url(https://x)}</style>', ''],
    ['<p style="background:url(https://x)" onclick="x()" class="c" id="i">a</p>', '<p>a</p>'],
    ['<form action="https://x"><input name=p><button>b</button></form>', 'b'],
    ['<a href="javascript:alert(1)">a</a>', '<a rel="noopener noreferrer nofollow" target="_blank">a</a>'],
    ['<a href="jav&#x09;ascript:alert(1)">a</a>', '<a rel="noopener noreferrer nofollow" target="_blank">a</a>'],
    ['<a href="data:text/html,x">a</a>', '<a rel="noopener noreferrer nofollow" target="_blank">a</a>'],
    ['<a href="//x.example">a</a>', '<a rel="noopener noreferrer nofollow" target="_blank">a</a>'],
    [
      '<a href="https://x.example/?a=1&b=2" target="_self">a</a>',
      '<a href="https://x.example/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer nofollow">a</a>',
    ],
    ['<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>', '<table></table>'],
    ['<noscript><p title="</noscript><img src=x onerror=alert(1)>">', ''],
    ['<base href="https://x"><link rel=stylesheet href=x><meta http-equiv=refresh content=0>', ''],
    ['<object data=x></object><embed src=x>', ''],
    ['a < b & c', 'a &lt; b &amp; c'],
    ['<b>unclosed', '<b>unclosed</b>'],
  ])('%j becomes %j', (given, clean) => {
    expect(cleanHtml(given)).toBe(clean);
  });

  test('keeps what words need', () => {
    const kept = '<h1>a</h1><p dir="rtl">b <em>c</em></p><ul><li>d</li></ul><table><tbody><tr><td colspan="2">e</td></tr></tbody></table>';
    expect(cleanHtml(kept)).toBe(kept);
  });

  test('is the same when cleaned again', () => {
    const once = cleanHtml('<a href="https://x.example">a</a> &amp;lt;script&amp;gt; <p>b');
    expect(cleanHtml(once)).toBe(once);
  });

  test('too deep for the sanitiser keeps its words alone', () => {
    expect(cleanHtml('<div>'.repeat(100_000) + '<script>words</script>').trim()).toBe('');
    expect(cleanHtml(`${'<b><!--</b>-->'.repeat(300)}words<img src=x onerror=alert(1)>`).replaceAll(/\s+/g, ' ')).not.toMatch(/<|onerror/);
    expect(htmlToText(`${'<b>'.repeat(201)}words &amp; more`)).toBe('words & more');
  });
});

test.each([
  ['<p>Hello<br>there</p><p>you &amp; me</p>', 'Hello\nthere\nyou & me'],
  ['<ul><li>a</li>\n<li>b</li></ul>', 'a\nb'],
  ['one\n  two&nbsp;three', 'one two three'],
  ['&amp;lt;b&amp;gt; &lt;i&gt; &quot;q&quot;', '&lt;b&gt; <i> "q"'],
  ['<p>a</p><p></p><p></p><p></p><p>b</p>', 'a\n\nb'],
  ['<head><title>no</title></head><body>yes<script>no</script></body>', 'yes'],
  ['', ''],
])('the words of %j are %j', (html, text) => {
  expect(htmlToText(html)).toBe(text);
});
