// Gives a chart a cursor with values and intervals, once a pointer comes near it. Pages are whole without:
// the picture, its hover texts and its table are in the page. Nothing is loaded before it is wanted.
(function () {
  'use strict';
  const self = document.currentScript;
  let library;

  function load() {
    library ??= new Promise((resolve, reject) => {
      const style = document.createElement('link');
      style.rel = 'stylesheet';
      style.href = self.dataset.sheet;
      document.head.append(style);
      const script = document.createElement('script');
      script.src = self.dataset.library;
      script.onload = () => resolve(window.uPlot);
      script.onerror = reject;
      document.head.append(script);
    });
    return library;
  }

  // read gives the days, and for each series value, upper and lower ends; null is a gap.
  function read(text) {
    const all = text.split('|').map((s) => s.split(' ').map((p) => p.split(':')));
    const columns = [all[0].map(([day]) => day * 86400)];
    for (const points of all) {
      const ends = points.map(([, e]) => (e ? e.split(',').map(Number) : [null, null, null]));
      columns.push(ends.map((e) => e[0]), ends.map((e) => e[2]), ends.map((e) => e[1]));
    }
    return columns;
  }

  const count = (n) => Math.round(n).toLocaleString('en').replaceAll(',', '\u202f');
  const date = (t, parts) => new Date(t * 1e3).toLocaleDateString('en-GB', { timeZone: 'UTC', ...parts });
  const percent = (x) => (100 * x).toFixed(2) + '\u202f%';

  function draw(figure, uPlot) {
    const data = read(figure.dataset.chart);
    const picture = [...figure.querySelectorAll(':scope > svg')].find((s) => getComputedStyle(s).display !== 'none');
    const names = [...figure.querySelectorAll('.legend li')].map((li) => li.textContent);
    const text = figure.dataset.percent ? percent : count;
    const colour = (name) => getComputedStyle(figure).getPropertyValue(name).trim();
    const series = [{ label: 'From', value: (u, t) => (t == null ? '' : date(t, { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' })) }];
    const bands = [];
    for (let i = 1; i < data.length; i += 3) {
      const stroke = colour('--s' + (i + 2) / 3);
      const value = (u, v, s, at) => (at == null ? '' : v == null ? 'not shown' : text(v) + ' (' + text(data[i + 2][at]) + '–' + text(data[i + 1][at]) + ')');
      const end = { class: 'bound', stroke: 'transparent', width: 0, points: { show: false } };
      series.push({ label: names[(i - 1) / 3] || figure.querySelector('h2').textContent, stroke, width: 1.8, value, points: { show: false } }, end, end);
      bands.push({ series: [i + 1, i + 2], fill: stroke + '47' });
    }
    const axis = { stroke: colour('--soft'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false }, font: '12px sans-serif' };
    const plot = new uPlot({
      width: picture.clientWidth, height: picture.clientHeight, series, bands,
      tzDate: (t) => uPlot.tzDate(new Date(t * 1e3), 'UTC'),
      scales: { y: { range: (u, low, high) => [0, high * 1.05] } },
      axes: [{ ...axis, grid: { show: false }, values: (u, ticks) => ticks.map((t) => date(t, { day: 'numeric', month: 'short' })) }, { ...axis, size: 70, values: (u, ticks) => ticks.map((v) => (figure.dataset.percent ? (100 * v).toFixed(0) + '\u202f%' : count(v))) }],
      hooks: { draw: [(u) => marks(u, figure.dataset.marks, colour('--ink'))] },
    }, data);
    for (const svg of figure.querySelectorAll(':scope > svg')) svg.remove();
    figure.append(plot.root);
    new ResizeObserver(() => plot.setSize({ width: figure.clientWidth, height: plot.height })).observe(figure);
  }

  function marks(u, text, ink) {
    for (const mark of (text || '').split(' ').filter(Boolean)) {
      const [day, letter] = mark.split(':');
      const x = u.valToPos(day * 86400, 'x', true);
      u.ctx.save();
      u.ctx.strokeStyle = u.ctx.fillStyle = ink;
      u.ctx.setLineDash([4, 5]);
      u.ctx.beginPath();
      u.ctx.moveTo(x, u.bbox.top);
      u.ctx.lineTo(x, u.bbox.top + u.bbox.height);
      u.ctx.stroke();
      u.ctx.fillText(letter, x + 8, u.bbox.top + 12);
      u.ctx.restore();
    }
  }

  for (const figure of document.querySelectorAll('figure[data-chart]')) {
    figure.addEventListener('pointerenter', () => load().then((uPlot) => draw(figure, uPlot)), { once: true });
  }
})();
