'use strict';

// Draws the plots of what the reader chose. Every number comes from the page's data; nothing is computed here but sums
// that depend on the choice, such as the smallest and the largest of what is shown.
(() => {
  const root = document.documentElement;
  const data = JSON.parse(document.getElementById('data').textContent);
  const MEDIAN = 1;
  const NARROW = 640;
  const LABEL_HEIGHT = 18;
  // What fits on A4 and on Letter, two plots a page.
  const PRINTED_WIDTH = 680;
  const PRINTED_HEIGHT = 0.65;

  // ---- the choice ---------------------------------------------------------------------------------------------------

  const CONTROLS = {
    operation: 'Operation', set: 'Shapes', pass: 'Pass', layout: 'Layout', type: 'Type', threads: 'Threads',
  };
  const choice = {...data.start};

  const distinct = values => [...new Set(values)];
  const same = (one, other, fields) => fields.every(field => one[field] === other[field]);
  const chosen = (points, ...fields) => points.filter(point => same(point.choice, choice, fields));
  const ALL_FIELDS = Object.keys(CONTROLS);
  const operations = distinct(data.means.map(mean => mean.choice.operation));

  function element(tag, attributes = {}, ...children) {
    const made = Object.assign(document.createElement(tag), attributes);
    made.append(...children);
    return made;
  }

  function radio(field, value) {
    const input = element('input', {type: 'radio', name: field, value, checked: choice[field] === value});
    input.addEventListener('change', () => {
      choose(field, value);
      draw();
    });
    return element('label', {}, input, String(value));
  }

  /** Not every operation was measured with every set, pass and layout: others change with it where they must. */
  function choose(field, value) {
    const agreeing = one => ALL_FIELDS.filter(other => one[other] === choice[other]).length;
    choice[field] = value;
    const measured = data.means.map(mean => mean.choice).filter(one => one[field] === value);
    const nearest = measured.reduce((best, one) => agreeing(one) > agreeing(best) ? one : best);
    Object.assign(choice, nearest);
    for (const input of document.querySelectorAll('#controls input')) {
      input.checked = String(choice[input.name]) === input.value;
    }
  }

  function fillControls() {
    for (const [field, title] of Object.entries(CONTROLS)) {
      const values = distinct(data.means.map(mean => mean.choice[field]));
      if (field === 'operation' && operations.length < 2) continue;
      if (field === 'threads') values.sort((one, other) => one - other);
      const buttons = values.map(value => radio(field, value));
      document.getElementById('controls').append(
          element('fieldset', {}, element('legend', {textContent: title}), ...buttons));
    }
  }

  function showChosenTables() {
    for (const table of document.querySelectorAll('.ratios')) {
      const {threads, ...others} = table.dataset;
      table.hidden = !same({...others, threads: Number(threads)}, choice, ['operation', 'set', 'type', 'threads']);
    }
    const operation = operations.length > 1 || choice.operation !== 'batch-norm' ? `${choice.operation}, ` : '';
    document.getElementById('selection').textContent = `Shown: ${operation}${choice.set}, ${choice.pass}, `
        + `${choice.layout}, ${choice.type}, ${threadsText(choice.threads)}.`;
  }

  // ---- numbers as text ----------------------------------------------------------------------------------------------

  const digits = value => Number(value.toPrecision(3)).toLocaleString('en');
  const ratioText = value => `${value < 10 ? value.toFixed(2) : digits(value)}×`;
  const tickText = value => `${digits(value)}×`;
  const percentText = value => `${digits(value)} %`;
  const bandwidthText = value => `${digits(value)} GB/s`;
  const threadsText = count => count === 1 ? '1 thread' : `${count} threads`;
  const spreadText = ([low, median, high], text) => `${text(median)} (${text(low)} – ${text(high)})`;
  const timeText = value => scaled(value, ['ns', 'µs', 'ms', 's']);
  const bytesText = value => scaled(value, ['B', 'kB', 'MB', 'GB']);

  function scaled(value, units) {
    let unit = 0;
    while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
      value /= 1000;
      unit++;
    }
    return `${digits(value)} ${units[unit]}`;
  }

  const range = (values, text) => {
    const [least, most] = [Math.min(...values), Math.max(...values)].map(text);
    return least === most ? least : `${least} to ${most}`;
  };

  // ---- how a series looks -------------------------------------------------------------------------------------------

  // In a box of 10 by 10; the legend draws the same.
  const SYMBOLS = [
    'M5 0A5 5 0 1 1 5 10A5 5 0 1 1 5 0Z',
    'M1 1H9V9H1Z',
    'M5 0L10 9H0Z',
    'M2 0L5 3L8 0L10 2L7 5L10 8L8 10L5 7L2 10L0 8L3 5L0 2Z',
    'M0 1H10L5 10Z',
    'M3.5 0H6.5V3.5H10V6.5H6.5V10H3.5V6.5H0V3.5H3.5Z',
    'M5 0L9.3 2.5V7.5L5 10L.7 7.5V2.5Z',
    'M5 0L10 5L5 10L0 5Z',
  ];
  const DASHES = [[], [7, 3], [2, 3]];
  const PEER_COLOURS = 6;

  const variable = name => getComputedStyle(root).getPropertyValue(name).trim();
  const family = series => series.kind === 'PEER' ? series.name.split(/[- ]/)[0] : series.kind;
  const peerFamilies = distinct(data.series.filter(series => series.kind === 'PEER').map(family));

  /** One colour a family, such as all of oneDNN; within it dashes differ, and symbols differ among all. */
  function looks() {
    return new Map(data.series.map((series, index) => {
      const siblings = data.series.filter(other => family(other) === family(series));
      const isBaseline = series.name === data.baseline;
      return [series.name, {
        colour: variable(colourOf(series)),
        symbol: SYMBOLS[index % SYMBOLS.length],
        dash: DASHES[siblings.indexOf(series) % DASHES.length],
        width: isBaseline ? 4 : 1.75,
        size: isBaseline ? 11 : 8,
        label: series.singleThreaded && choice.threads > 1 ? `${series.name} (1 thread)` : series.name,
      }];
    }));
  }

  function colourOf(series) {
    if (series.kind === 'NORMA') return '--norma';
    if (series.kind === 'LIMIT') return '--limit-ink';
    return `--peer-${peerFamilies.indexOf(family(series)) % PEER_COLOURS}`;
  }

  function legendItem({colour, symbol, dash, width, label}) {
    const item = element('li');
    item.innerHTML = `<svg width="34" height="12" aria-hidden="true">`
        + `<path d="M0 6H34" stroke="${colour}" stroke-width="${width}" stroke-dasharray="${dash}"/>`
        + `<path d="${symbol}" fill="${colour}" transform="translate(12 1)"/></svg>`;
    item.append(label);
    return item;
  }

  // ---- parts of plots -----------------------------------------------------------------------------------------------

  function axis(type, more = {}) {
    const {axisLabel, ...others} = more;
    return {
      type,
      axisLine: {lineStyle: {color: variable('--line')}},
      axisTick: {show: false},
      axisLabel: {color: variable('--soft'), fontSize: 13, hideOverlap: true, ...axisLabel},
      splitLine: {lineStyle: {color: variable('--grid')}},
      nameTextStyle: {color: variable('--soft'), fontSize: 13},
      ...others,
    };
  }

  /** From the power of the base below all values to the one above. */
  function logAxis(values, base, formatter, more = {}) {
    const exponents = values.map(value => Math.log(value) / Math.log(base));
    return axis('log', {
      logBase: base,
      min: base ** Math.floor(Math.min(...exponents)),
      max: base ** Math.ceil(Math.max(...exponents)),
      axisLabel: {formatter},
      ...more,
    });
  }

  const nameBelow = name => ({name, nameLocation: 'middle', nameGap: 34});

  const option = more => ({
    animation: false,
    textStyle: {fontFamily: variable('--font')},
    tooltip: {
      confine: true,
      backgroundColor: variable('--raised'),
      borderColor: variable('--line'),
      textStyle: {color: variable('--ink')},
      formatter: item => item.data.tip,
    },
    ...more,
  });

  const escaped = text => element('span', {textContent: text}).innerHTML;
  const tip = (title, ...lines) => [`<b>${escaped(title)}</b>`, ...lines.map(escaped)].join('<br>');

  const pointTip = point => tip(point.name + (point.measuredLayout === point.choice.layout
          ? '' : `, measured in ${point.measuredLayout}`),
      `${point.shape}, ${bytesText(point.bytes)}, ${threadsText(point.choice.threads)}`,
      spreadText(point.time, timeText), bandwidthText(point.bandwidth));

  /** Has its name at its end where there is room, and otherwise in the legend. */
  function line(name, look, isNarrow, points) {
    const isBaseline = name === data.baseline;
    return {
      type: 'line',
      name,
      data: points,
      z: isBaseline ? 5 : 3,
      symbol: `path://${look.symbol}`,
      symbolSize: look.size,
      showAllSymbol: true,
      itemStyle: {color: look.colour},
      lineStyle: {color: look.colour, width: look.width, type: look.dash.length ? look.dash : 'solid'},
      endLabel: {
        show: !isNarrow,
        formatter: look.label,
        color: look.colour,
        fontSize: 13,
        fontWeight: isBaseline ? 700 : 400,
        distance: 12,
        lineHeight: LABEL_HEIGHT,
        textBorderColor: variable('--paper'),
        textBorderWidth: 3,
      },
      labelLayout: {moveOverlap: 'shiftY'},
      emphasis: {focus: 'series'},
    };
  }

  const lineGrid = isNarrow => ({left: 24, right: isNarrow ? 16 : 190, top: 34, bottom: 40, containLabel: true});

  const whisker = (from, to, style) => ({
    type: 'line',
    shape: {x1: from[0], y1: from[1], x2: to[0], y2: to[1]},
    style: {...style, fill: null},
  });

  // ---- the plots: each gives a height, an option of ECharts, and a sentence with numbers ----------------------------

  function bandwidth(isNarrow, look) {
    const points = chosen(data.points, ...ALL_FIELDS);
    const shapes = distinct(points.map(point => point.shape));
    const of = name => points.filter(point => point.name === name);
    const at = (name, shape) => of(name).find(point => point.shape === shape);
    const value = point => point ? {value: point.bandwidth, tip: pointTip(point)} : {value: null};
    const names = distinct(points.map(point => point.name));
    const limitBars = {
      type: 'bar',
      name: data.limit,
      data: shapes.map(shape => value(at(data.limit, shape))),
      barWidth: '64%',
      itemStyle: {color: variable('--limit')},
    };
    return {
      height: isNarrow ? 420 : 480,
      legend: names.filter(name => name !== data.limit),
      option: option({
        grid: {...lineGrid(isNarrow), bottom: 8},
        xAxis: axis('category', {
          data: shapes,
          splitLine: {show: false},
          axisLabel: {interval: 0, rotate: isNarrow ? 55 : shapes.length > 6 ? 25 : 0},
        }),
        yAxis: axis('value', {name: 'GB/s', nameTextStyle: {color: variable('--soft'), align: 'right'}}),
        series: [limitBars, ...names.filter(name => name !== data.limit).map(name =>
          line(name, look.get(name), isNarrow, shapes.map(shape => value(at(name, shape)))))],
      }),
      summary: bandwidthSummary(of),
    };
  }

  function bandwidthSummary(of) {
    const norma = of(data.baseline);
    if (!norma.length) return `${data.baseline} has no time here.`;
    const limits = new Map(of(data.limit).map(point => [point.shape, point.bandwidth]));
    const shares = norma.filter(point => limits.has(point.shape))
        .map(point => 100 * point.bandwidth / limits.get(point.shape));
    return `${data.baseline} moves ${range(norma.map(point => point.bandwidth), bandwidthText)}`
        + (shares.length ? `: ${range(shares, percentText)} of what the faster copy moves.` : '.');
  }

  function scaling(isNarrow, look) {
    const means = chosen(data.means, 'operation', 'set', 'pass', 'type', 'layout').filter(mean => mean.speed);
    const threads = distinct(means.map(mean => mean.choice.threads)).sort((one, other) => one - other);
    const names = distinct(means.map(mean => mean.name));
    const of = (name, count) => means.find(mean => mean.name === name && mean.choice.threads === count);
    const speedTip = ({name, choice: {threads: count}, speed}) =>
      tip(name, threadsText(count), ratioText(speed.value), `${speed.shapes} of ${speed.of} shapes`);
    const value = mean => mean ? {value: mean.speed.value, tip: speedTip(mean)} : {value: null};
    const ideal = {
      type: 'line',
      name: 'ideal',
      data: threads.map(count => ({value: count / threads[0], tip: tip('as many times as fast as threads')})),
      symbol: 'none',
      lineStyle: {color: variable('--limit-ink'), type: [2, 4], width: 1.5},
      endLabel: {
        show: true, formatter: 'ideal', color: variable('--limit-ink'), fontSize: 13, lineHeight: LABEL_HEIGHT,
      },
      labelLayout: {moveOverlap: 'shiftY'},
    };
    const speeds = means.map(mean => mean.speed.value).concat(threads.map(count => count / threads[0]));
    return {
      height: 420,
      legend: names,
      option: option({
        grid: {...lineGrid(isNarrow), right: isNarrow ? 44 : 190},
        xAxis: axis('category', {data: threads.map(threadsText), boundaryGap: threads.length === 1}),
        yAxis: logAxis(speeds.length ? speeds : [1], 2, tickText),
        series: [ideal, ...names.map(name =>
          line(name, look.get(name), isNarrow, threads.map(count => value(of(name, count)))))],
      }),
      summary: scalingSummary(threads, of),
    };
  }

  function scalingSummary(threads, of) {
    const [first, last] = [of(data.baseline, threads[0]), of(data.baseline, threads.at(-1))];
    if (!first || !last) return `${data.baseline} has no time here.`;
    if (threads.length === 1) return `Only ${threadsText(threads[0])} was measured.`;
    return `With ${threadsText(threads.at(-1))}, ${data.baseline} is `
        + `${ratioText(last.speed.value / first.speed.value)} as fast as with ${threads[0]}.`;
  }

  function size(isNarrow, look) {
    const points = chosen(data.points, 'operation', 'pass', 'type', 'layout', 'threads')
        .sort((one, other) => one.bytes - other.bytes);
    const names = distinct(data.series.map(series => series.name))
        .filter(name => points.some(point => point.name === name));
    const bytes = points.map(point => point.bytes);
    return {
      height: isNarrow ? 440 : 520,
      legend: names,
      option: option({
        grid: lineGrid(isNarrow),
        xAxis: logAxis(bytes, 10, bytesText, nameBelow('size of one tensor')),
        yAxis: logAxis(points.map(point => point.time[MEDIAN]), 10, timeText),
        series: names.map(name => line(name, look.get(name), isNarrow, points
            .filter(point => point.name === name)
            .map(point => ({value: [point.bytes, point.time[MEDIAN]], tip: pointTip(point)})))),
      }),
      summary: sizeSummary(points.filter(point => point.name === data.baseline)),
    };
  }

  function sizeSummary(norma) {
    if (!norma.length) return `${data.baseline} has no time here.`;
    const text = point => `${timeText(point.time[MEDIAN])} for ${bytesText(point.bytes)}`;
    return `${data.baseline} takes from ${text(norma[0])} to ${text(norma.at(-1))}.`;
  }

  // Where names beside the rows would leave no room for the rows.
  const nameAboveRow = () => ({
    inside: true, verticalAlign: 'bottom', padding: [0, 4, 4, 4], margin: 0, backgroundColor: variable('--paper'),
  });

  /** Rows of dots with whiskers, and a diamond and a number for the whole row. */
  function rows(isNarrow, entries, look, xAxis, mark) {
    const dots = entries.flatMap((entry, row) => entry.dots.map((dot, index) => ({
      value: [dot.spread[MEDIAN], row, dot.spread[0], dot.spread[2], (index + 0.5) / entry.dots.length - 0.5],
      tip: dot.tip,
      itemStyle: {color: look.get(entry.name).colour},
    })));
    const renderDot = (params, api) => {
      const band = api.size([0, 1])[1];
      const shift = isNarrow ? band * (0.16 + 0.5 * api.value(4)) : band * 0.72 * api.value(4);
      const place = dimension => {
        const [x, y] = api.coord([api.value(dimension), api.value(1)]);
        return [x, y + shift];
      };
      const colour = api.visual('color');
      const [x, y] = place(0);
      return {type: 'group', children: [
        whisker(place(2), place(3), {stroke: colour, lineWidth: 1.5, opacity: 0.6}),
        {type: 'circle', shape: {cx: x, cy: y, r: 3}, style: {fill: colour, opacity: 0.75}},
      ]};
    };
    const bands = {inverse: true, z: 10, splitLine: {show: true, lineStyle: {color: variable('--grid')}}};
    return option({
      grid: {left: isNarrow ? 22 : 8, right: 8, top: 30, bottom: 40, containLabel: true},
      xAxis,
      yAxis: [
        axis('category', {...bands, data: entries.map(entry => look.get(entry.name).label),
          axisLabel: {color: variable('--ink'), interval: 0, hideOverlap: false, ...isNarrow && nameAboveRow()}}),
        axis('category', {...bands, position: 'right', splitLine: {show: false}, data: entries.map(entry => entry.text),
          axisLabel: {color: variable('--ink'), fontWeight: 600, interval: 0, hideOverlap: false}}),
      ],
      series: [
        {type: 'custom', data: dots, renderItem: renderDot, encode: {x: [0, 2, 3], y: 1}, clip: true},
        {
          type: 'scatter',
          symbol: 'diamond',
          symbolSize: 17,
          symbolOffset: [0, isNarrow ? 8 : 0],
          z: 6,
          data: entries.map((entry, row) => ({
            value: [entry.mark, row],
            tip: entry.tip,
            itemStyle: {color: look.get(entry.name).colour, borderColor: variable('--paper'), borderWidth: 2},
          })),
          markLine: mark && {
            silent: true,
            symbol: 'none',
            data: [{xAxis: mark.at}],
            label: {formatter: mark.text, color: variable('--norma'), fontSize: 13, fontWeight: 600, position: 'start'},
            lineStyle: {color: variable('--norma'), type: 'solid', width: 2},
          },
        },
      ],
    });
  }

  function ratio(isNarrow, look) {
    const points = chosen(data.points, ...ALL_FIELDS).filter(point => point.ratio && point.name !== data.baseline);
    const entries = chosen(data.means, ...ALL_FIELDS)
        .filter(mean => mean.ratio && mean.name !== data.baseline)
        .sort((one, other) => other.ratio.value - one.ratio.value)
        .map(({name, ratio: {value, shapes, of}}) => ({
          name,
          mark: value,
          text: ratioText(value) + (shapes === of ? '' : ` (${shapes}/${of})`),
          tip: tip(name, `geometric mean: ${ratioText(value)}`, `${shapes} of ${of} shapes`),
          dots: points.filter(point => point.name === name).map(point => ({
            spread: point.ratio,
            tip: tip(name, point.shape, spreadText(point.ratio, ratioText)),
          })),
        }));
    const values = points.flatMap(point => point.ratio).concat(1);
    return {
      height: 90 + (isNarrow ? 52 : 44) * entries.length,
      option: rows(isNarrow, entries, look,
          logAxis(values, 2, tickText, nameBelow(`time over that of ${data.baseline}`)), {at: 1, text: data.baseline}),
      summary: ratioSummary(entries),
    };
  }

  function ratioSummary(entries) {
    const peers = entries.filter(({name}) => data.series.find(series => series.name === name).kind === 'PEER');
    if (!peers.length) return 'No peer has a time here.';
    const closest = peers.at(-1);
    const slower = peers.filter(({mark}) => mark.toFixed(2) < 1).length;
    return `The peers take ${range(peers.map(({mark}) => mark), ratioText)} the time of ${data.baseline}; `
        + `the fastest is ${closest.name}. `
        + (slower ? `${slower} of ${peers.length} are faster than Norma.` : 'None is faster.');
  }

  function accuracy(isNarrow, look) {
    // A logarithmic axis has no zero.
    const LEAST = 0.125;
    const points = chosen(data.points, 'operation', 'pass', 'type', 'layout', 'threads')
        .filter(point => point.error !== undefined);
    const entries = data.series.filter(({kind}) => kind !== 'LIMIT')
        .map(({name}) => ({name, own: points.filter(point => point.name === name)}))
        .filter(({own}) => own.length)
        .map(({name, own}) => ({name, own, largest: Math.max(...own.map(point => point.error))}))
        .map(({name, own, largest}) => ({
          name,
          mark: Math.max(LEAST, largest),
          text: `${digits(largest)} ulp`,
          largest,
          tip: tip(name, `largest error: ${digits(largest)} ulp`),
          dots: own.map(point => ({
            spread: Array(3).fill(Math.max(LEAST, point.error)),
            tip: tip(name, point.shape, `${digits(point.error)} ulp`),
          })),
        }));
    const values = entries.flatMap(entry => entry.dots.map(dot => dot.spread[MEDIAN]));
    const others = entries.filter(entry => entry.name !== data.baseline);
    const norma = entries.find(entry => entry.name === data.baseline);
    return {
      height: 80 + (isNarrow ? 52 : 34) * entries.length,
      option: rows(isNarrow, entries, look, logAxis(values.length ? values : [1], 2, digits, nameBelow('ulp'))),
      summary: norma && others.length
          ? `The largest error of ${norma.name} is ${norma.text}; those of the others are `
              + `${range(others.map(entry => entry.largest), digits)} ulp.`
          : 'No error was measured here.',
    };
  }

  // Linear between -1 and 1 units, logarithmic beyond: -2, -1, 0, 1, 2 are -10, -1, 0, 1 and 10 units.
  const bent = (value, unit) => {
    const units = Math.abs(value) / unit;
    return Math.sign(value) * (units <= 1 ? units : 1 + Math.log10(units));
  };
  const unbent = (value, unit) => value === 0 ? 0 : Math.sign(value) * unit * 10 ** (Math.abs(value) - 1);

  function call(isNarrow, look) {
    const points = chosen(data.points, 'operation', 'pass', 'type', 'layout', 'threads');
    const norma = new Map(points.filter(point => point.name === data.baseline)
        .map(point => [`${point.choice.set} ${point.shape}`, point.time[MEDIAN]]));
    const calls = points.filter(point => point.added)
        .map(point => ({...point, share: point.added.map(value =>
          100 * value / norma.get(`${point.choice.set} ${point.shape}`))}));
    const names = distinct(calls.map(point => point.name));
    const panels = [
      {unit: 10, text: timeText, spread: point => point.added},
      {unit: 1, text: percentText, spread: point => point.share},
    ];
    const sizes = calls.length ? calls.map(point => point.bytes) : [1];
    return {
      height: isNarrow ? 600 : 640,
      legend: names,
      alwaysLegend: true,
      option: option({
        grid: [
          {left: 84, right: 30, top: 12, height: '42%'},
          {left: 84, right: 30, bottom: 54, height: '36%'},
        ],
        xAxis: panels.map((panel, index) => ({
          ...logAxis(sizes, 10, bytesText, index === 0 ? {} : nameBelow('size of one tensor')),
          gridIndex: index,
        })),
        yAxis: panels.map(({unit, text}, index) => axis('value', {
          gridIndex: index,
          minInterval: 1,
          interval: 1,
          // Every other line has its number.
          axisLabel: {formatter: value => value % 2 === 0 && value !== 0
              ? '' : (value > 0 ? '+' : '') + text(unbent(value, unit))},
        })),
        series: panels.flatMap((panel, index) => names.map(name =>
          differences(name, look.get(name), calls.filter(point => point.name === name), panel, index))),
      }),
      summary: callSummary(names, calls),
    };
  }

  function differences(name, look, points, {unit, text, spread}, index) {
    return {
      type: 'custom',
      name,
      xAxisIndex: index,
      yAxisIndex: index,
      encode: {x: 0, y: [1, 2, 3]},
      itemStyle: {color: look.colour},
      data: points.map(point => ({
        value: [point.bytes, ...[MEDIAN, 0, 2].map(which => bent(spread(point)[which], unit))],
        tip: tip(name, `${point.shape}, ${bytesText(point.bytes)}`, spreadText(spread(point), text),
            point.heap === undefined ? '' : `${bytesText(point.heap)} on the heap`),
      })),
      renderItem: (params, api) => {
        const [median, low, high] = [1, 2, 3].map(dimension => api.coord([api.value(0), api.value(dimension)]));
        return {type: 'group', children: [
          whisker(low, high, {stroke: look.colour, lineWidth: 1.5, opacity: 0.6}),
          {
            type: 'path',
            x: median[0],
            y: median[1],
            shape: {pathData: look.symbol, x: -4.5, y: -4.5, width: 9, height: 9},
            style: {fill: look.colour},
          },
        ]};
      },
    };
  }

  function callSummary(names, calls) {
    if (!names.length) return 'No call of Norma from Java was measured here.';
    return names.map(name => {
      const own = calls.filter(point => point.name === name).sort((one, other) => one.bytes - other.bytes);
      const heap = own.map(point => point.heap).filter(bytes => bytes !== undefined);
      return `${name} adds ${timeText(own[0].added[MEDIAN])} (${percentText(own[0].share[MEDIAN])}) to the call `
          + `with the smallest tensor, ${percentText(own.at(-1).share[MEDIAN])} to that with the largest`
          + (heap.length ? `, and allocates ${range(heap, bytesText)} on the heap per call.` : '.');
    }).join(' ');
  }

  // ---- drawing ------------------------------------------------------------------------------------------------------

  const PLOTS = {ratio, bandwidth, size, scaling, call, accuracy};
  const charts = new Map();

  function drawPlot(id, plot, look) {
    const figure = document.getElementById(id);
    const box = figure.querySelector('.plot');
    const isPrinting = root.classList.contains('printing');
    const width = isPrinting ? PRINTED_WIDTH : box.clientWidth;
    const isNarrow = width < NARROW;
    const {height: fullHeight, option: chosenOption, summary, legend = [], alwaysLegend} = plot(isNarrow, look);
    const height = fullHeight * (isPrinting ? PRINTED_HEIGHT : 1);
    box.style.height = `${height}px`;
    if (!charts.has(id)) charts.set(id, echarts.init(box, null, {renderer: 'svg', width, height}));
    const chart = charts.get(id);
    chart.resize({width, height});
    chart.setOption(chosenOption, true);
    box.setAttribute('role', 'img');
    box.setAttribute('aria-label', summary);
    figure.querySelector('figcaption').textContent = summary;
    figure.querySelector('.legend')?.replaceChildren(
        ...(isNarrow || alwaysLegend ? legend.map(name => legendItem(look.get(name))) : []));
  }

  function draw() {
    if (data.start) {
      showChosenTables();
      const look = looks();
      for (const [id, plot] of Object.entries(PLOTS)) drawPlot(id, plot, look);
    }
    root.dataset.rendered = charts.size;
  }

  function printing(isPrinting) {
    root.classList.toggle('printing', isPrinting);
    draw();
  }

  let pending = 0;
  addEventListener('resize', () => {
    cancelAnimationFrame(pending);
    pending = requestAnimationFrame(draw);
  });
  addEventListener('beforeprint', () => printing(true));
  addEventListener('afterprint', () => printing(false));
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
  fillControls();
  draw();
})();
