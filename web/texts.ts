// Every word on the page, English and Chinese side by side. `t('key', { n: 3 })` fills {n}.
import { readSetting, writeSetting } from '../client/engine/device.ts';

const TEXTS = {
  tagline: ['Pictures made on your own device', '在你自己的设备上生成图片'],
  skip: ['Skip to the pictures', '跳到图片'],
  model: ['Model', '模型'],
  models: ['Models', '模型'],
  modelsHelp: ['Each is downloaded when it is chosen, and stays on this device.', '选择后才会下载,并保存在此设备上。'],
  modelIs: ['Model: {name}', '模型:{name}'],
  sizeIs: ['{w} × {h}', '{w} × {h}'],
  kind1: ['grey', '灰度'],
  kind3: ['colour', '彩色'],
  kind4: ['colour, transparent', '彩色,透明'],
  oneClass: ['1 class', '1 个类别'],
  classesAre: ['{n} classes', '{n} 个类别'],
  noClasses: ['no classes', '无类别'],
  modelBytes: ['{mb} MB', '{mb} MB'],
  missing: ['There is no model {name} here', '这里没有模型 {name}'],
  missingHelp: [
    'The link is of a model that this site does not have, or has no longer.',
    '链接中的模型在本站不存在,或已被移除。',
  ],
  missingOwn: ['The model {name} is not on this device', '此设备上没有模型 {name}'],
  missingOwnHelp: [
    'The link is of a model that somebody added to a device of their own. Add it here, and the link opens.',
    '链接中的模型由某人添加到自己的设备上。在此添加后即可打开链接。',
  ],
  chooseModel: ['Choose a model', '选择模型'],
  keptInstead: [
    'The newest version cannot be used: {reason}. The one on this device is shown.',
    '无法使用最新版本:{reason}。现显示此设备上的版本。',
  ],
  isTraining: ['being trained', '训练中'],
  noPicturesYet: ['no pictures yet', '尚无图片'],
  language: ['中文', 'English'],
  languageLabel: ['切换到中文', 'Switch to English'],
  theme: ['Light or dark', '浅色或深色'],
  views: ['Views', '视图'],
  wall: ['Wall', '图墙'],
  explore: ['Explore', '探索'],
  walk: ['Walk', '漫步'],
  mix: ['Mix', '混合'],
  draw: ['Draw', '画图'],
  complete: ['Rub out', '擦除'],
  make: ['Make a model', '制作模型'],
  saved: ['Saved', '收藏'],
  how: ['How', '原理'],
  centre: ['The picture', '当前图片'],
  pictureOf: ['{label}, {source}', '{label},{source}'],
  seedIs: ['seed {seed}', '种子 {seed}'],
  completedBy: ['completed by seed {seed}', '由种子 {seed} 补画'],
  completed: ['completed', '补画'],
  freePoint: ['found by hand', '手动找到'],
  seed: ['Seed', '种子'],
  seedPlaceholder: ['Type your name', '输入你的名字'],
  seedHint: [
    'A number or any text. The same seed is the same picture, everywhere.',
    '数字或任意文字。相同的种子在任何地方都生成同一张图片。',
  ],
  seedLong: ['A seed has at most {most} characters; this has {n}.', '种子最多 {most} 个字符,这里有 {n} 个。'],
  dice: ['Another seed', '换一个种子'],
  class: ['Class', '类别'],
  anyClass: ['Any', '任意'],
  mixedClass: ['Mixed', '混合'],
  variety: ['Variety', '多样性'],
  save: ['Save', '保存'],
  fileReady: ['{name} is ready.', '{name} 已就绪。'],
  share: ['Share', '分享'],
  keep: ['Keep', '收藏'],
  kept: ['Kept', '已收藏'],
  close: ['Close', '关闭'],
  cancel: ['Cancel', '取消'],
  retry: ['Try again', '重试'],
  again: ['Download again', '重新下载'],

  loading: ['Getting the model and its runtime', '正在获取模型与运行环境'],
  loadingBytes: ['{loaded} of {total} MB', '{loaded} / {total} MB'],
  starting: ['Starting', '正在启动'],
  cancelled: ['The download was cancelled. Nothing was installed.', '下载已取消,未安装任何内容。'],
  noModels: ['There is no model here yet', '这里还没有模型'],
  noModelsHelp: [
    'Train one with `pocketgen train`, or drop a bundle made by `pocketgen export` onto this page.',
    '用 `pocketgen train` 训练一个,或把 `pocketgen export` 生成的模型包拖到本页。',
  ],
  running: ['Running on {provider}, {ms} ms a picture', '运行于 {provider},每张 {ms} 毫秒'],
  runningOther: [' ({provider}: {ms} ms)', '({provider}:{ms} 毫秒)'],
  runningWhy: [' · {reason}', ' · {reason}'],
  runningDetail: ['details', '详情'],
  measuring: ['measuring the rest', '正在测量其他方式'],
  fellBack: ['{provider} stopped: {reason}. Going on with wasm.', '{provider} 已停止:{reason}。改用 wasm 继续。'],
  damaged: ['A kept file was damaged; it was fetched again.', '保存的文件已损坏,已重新下载。'],
  webgpu: ['WebGPU', 'WebGPU'],
  'wasm-threads': ['wasm with threads', '多线程 wasm'],
  wasm: ['wasm', 'wasm'],

  'why-no-adapter': ['no WebGPU on this device', '此设备没有 WebGPU'],
  'why-no-jspi': ['this browser cannot run the WebGPU build (no JSPI)', '此浏览器无法运行 WebGPU 版本(缺少 JSPI)'],
  'why-not-isolated': ['the site is not cross-origin isolated', '网站未启用跨源隔离'],
  'why-one-core': ['only one processor core', '只有一个处理器核心'],
  'why-no-worker': ['needs a worker', '需要在 Worker 中运行'],
  'why-apple': ['not stable on iPhone and iPad', '在 iPhone 和 iPad 上不稳定'],
  'why-crashed': ['crashed the page last time', '上次使页面崩溃'],
  'why-no-wasm': ['no WebAssembly in this browser', '此浏览器没有 WebAssembly'],
  'why-unloaded': ['a part of the page did not load', '页面的一部分未能加载'],
  'why-wrong': ['gave wrong pictures', '生成的图片不正确'],
  'why-lost': ['the graphics device was lost', '图形设备已丢失'],
  'why-memory': ['not enough memory', '内存不足'],
  'why-silent': ['did not answer', '没有响应'],
  'why-error': ['failed to start', '启动失败'],
  'why-stopped': ['failed while running', '运行时出错'],
  'why-slower': ['slower here', '在此设备上较慢'],
  'why-not-asked': ['not chosen', '未选择'],
  inUse: ['in use', '使用中'],
  exact: ['same bytes as the edge', '与边缘端字节一致'],
  oneLevel: ['within {n} level of 255', '误差不超过 {n}/255'],

  device: ['This device', '此设备'],
  deviceHelp: [
    'Each way of computing must first reproduce a known picture. The fastest that does is kept.',
    '每种计算方式都必须先重现一张已知图片,其中最快的会被采用。',
  ],
  automatic: ['Automatic', '自动'],
  offline: ['Without a network', '离线使用'],
  offlineApp: ['The page', '页面'],
  offlineRuntime: ['The runtime', '运行环境'],
  offlineModel: ['The model', '模型'],
  offlineReady: ['Ready offline', '可离线使用'],
  offlineNot: ['Not ready offline', '尚不可离线使用'],
  onDevice: ['{mb} MB, on this device', '{mb} MB,已在此设备'],
  notOnDevice: ['not on this device', '不在此设备'],
  keepForGood: ['Keep it for good', '永久保留'],
  keptForGood: ['The browser will not clear it.', '浏览器不会清除它。'],
  notKeptForGood: [
    'The browser may clear it when space runs short. Adding the page to the home screen helps.',
    '空间不足时浏览器可能清除它。将页面添加到主屏幕会有帮助。',
  ],
  install: ['Install', '安装'],
  installApple: ['To install: Share, then Add to Home Screen.', '安装方法:点“分享”,再点“添加到主屏幕”。'],
  insecure: ['This address is not https, so the browser keeps nothing.', '此地址不是 https,浏览器不会保存任何内容。'],
  noRoom: ['There is no room left on this device, so the browser keeps no more.', '设备空间不足,浏览器无法再保存。'],
  notKept: ['This browser keeps nothing for this page.', '此浏览器不为本页保存任何内容。'],
  noNetwork: ['No network. Everything still works.', '没有网络,一切照常。'],
  noNetworkYet: [
    'No network. What is not on this device yet has to wait for it.',
    '没有网络。尚未保存在此设备上的内容需等网络恢复。',
  ],
  update: ['A new version is ready.', '新版本已就绪。'],
  updateNow: ['Update', '更新'],

  newWall: ['New wall', '换一面墙'],
  more: ['{n} more', '再来 {n} 张'],
  saveWall: ['Save as ZIP', '存为 ZIP'],
  wallOf: ['Pictures from seed {from} to {to}', '种子 {from} 到 {to} 的图片'],
  making: ['Making pictures…', '正在生成图片…'],
  exploreHelp: [
    'Drag. Your picture is in the middle; every step away is a little less like it.',
    '拖动即可。正中是你带来的图片,离得越远就越不像它。',
  ],
  explorePad: ['Plane of the latent space; arrow keys move', '潜在空间的平面;方向键移动'],
  turnPlane: ['Another plane', '换一个平面'],
  makeCentre: ['Go on from here', '以此为中心'],
  backToMiddle: ['Back to the middle', '回到正中'],
  from: ['From', '从'],
  to: ['To', '到'],
  play: ['Play', '播放'],
  pause: ['Pause', '暂停'],
  loop: ['There and back', '来回'],
  position: ['Position on the way', '路径位置'],
  saveGif: ['Save GIF', '保存 GIF'],
  saveApng: ['Save APNG', '保存 APNG'],
  swap: ['Swap', '交换'],
  stopHere: ['Keep this one', '选用这张'],
  parentA: ['One parent', '父本'],
  parentB: ['The other', '母本'],
  children: ['Their children', '子代'],
  moreChildren: ['More children', '更多子代'],
  mixHelp: ['Tap a child to make it a parent.', '点按一个子代,让它成为父本。'],
  savedEmpty: [
    'Nothing kept yet. The heart keeps a picture on this device.',
    '还没有收藏。点心形按钮即可把图片收藏在此设备上。',
  ],
  removeSaved: ['Remove', '移除'],
  openSaved: ['Open {label}', '打开 {label}'],
  background: ['Background', '背景'],
  'bg-checkerboard': ['Checkerboard', '棋盘格'],
  'bg-white': ['White', '白色'],
  'bg-black': ['Black', '黑色'],
  'bg-page': ['As the page', '页面颜色'],
  'bg-own': ['A colour of your own', '自选颜色'],
  fillSaved: ['Save with this background', '连同背景一起保存'],
  saveTitle: ['Save the picture', '保存图片'],
  scale: ['Size', '尺寸'],
  saveFile: ['Save PNG', '保存 PNG'],
  saveSvg: ['Save SVG', '保存 SVG'],
  shareTitle: ['Share the picture', '分享图片'],
  copyLink: ['Copy link', '复制链接'],
  copyEdge: ['Copy image address', '复制图片地址'],
  copied: ['Copied', '已复制'],
  copyFailed: ['Copy this:', '请复制:'],
  shareNow: ['Share…', '分享…'],
  shareLinkHelp: ['Opens this page with the same picture.', '打开本页并显示同一张图片。'],
  shareEdgeHelp: [
    'The same picture from the image endpoint, for use in other pages.',
    '从图片接口获取同一张图片,可用于其他网页。',
  ],
  noEdgeOwn: ['The image endpoint does not have your own bundle.', '图片接口没有你自己的模型包。'],

  addBundle: ['Add your own model', '添加你自己的模型'],
  addBundleHelp: [
    'A folder or zip made by pocketgen export. It stays on this device.',
    'pocketgen export 生成的文件夹或 zip,只保存在此设备上。',
  ],
  chooseZip: ['Choose a zip', '选择 zip'],
  chooseFolder: ['Choose a folder', '选择文件夹'],
  dropHere: ['Drop it here', '放到这里'],
  dropPicture: ['Drop your picture here', '把你的图片放到这里'],
  bundleKept: ['{name} is on this device now.', '{name} 已保存在此设备上。'],
  bundleHere: ['{name} is here until this page is closed. {reason}', '{name} 仅在本页关闭前可用。{reason}'],
  forgetBundle: ['Remove {name} from this device', '从此设备移除 {name}'],
  forgetSure: [
    'Remove {name} from this device? To have it again it must be added again.',
    '从此设备移除 {name}?移除后须重新添加。',
  ],
  ownModel: ['{name} (yours)', '{name}(你的)'],

  training: ['Training', '训练'],
  curve: ['Quality while it was trained', '训练过程中的质量'],
  curveKid: ['Distance to real pictures (KID), less is better', '与真实图片的距离(KID),越小越好'],
  curveFid: ['Distance to real pictures (FID), less is better', '与真实图片的距离(FID),越小越好'],
  curveCoverage: ['Kinds of real pictures covered', '覆盖的真实图片种类'],
  curveNearCopies: ['Near copies of training pictures', '与训练图片近似的比例'],
  curveBand: ['The band is the 95 % interval.', '阴影为 95% 区间。'],
  curveSoon: ['The quality curve begins with the second measurement.', '第二次测量后开始显示质量曲线。'],
  imagesSeen: ['pictures seen', '已看图片数'],
  live: ['Training', '训练'],
  'live-asking': ['Training', '训练'],
  'live-training': ['Training now', '正在训练'],
  'live-stopped': ['Training stopped', '训练已停止'],
  'live-finished': ['Training finished', '训练已完成'],
  'live-silent': ['No answer from the training', '训练没有响应'],
  liveImages: ['{images} of {total} images', '{images} / {total} 张图片'],
  liveSpeed: ['{n} a second', '每秒 {n} 张'],
  liveLeft: ['{time} left', '剩余 {time}'],
  liveShown: ['The pictures here are from after {images} images.', '此处图片来自 {images} 张之后。'],
  liveFirst: ['The first pictures come in about a minute.', '大约一分钟后出现第一批图片。'],
  liveGoOn: ['The same command goes on from here.', '再次运行同一命令即可从此处继续。'],
  liveMore: ['The same command with a larger --images trains it further.', '用同一命令并加大 --images 可继续训练。'],
  liveAsk: ['Asking again. The pictures here are the last ones.', '正在重试。此处是最后的图片。'],
  seconds: ['{n} s', '{n} 秒'],
  minutes: ['{n} min', '{n} 分钟'],
  hours: ['{h} h {m} min', '{h} 小时 {m} 分钟'],

  failed: ['That did not work', '出错了'],
  details: ['What exactly', '具体信息'],
  failNetwork: ['The network did not deliver. Check the connection and try again.', '网络未能送达,请检查连接后重试。'],
  failMemory: [
    'This device ran out of memory. Close other tabs and try again.',
    '设备内存不足,请关闭其他标签页后重试。',
  ],
  failNoWasm: [
    'This browser has no WebAssembly, which draws the pictures. It may be switched off (Lockdown Mode, a policy) or too old.',
    '此浏览器没有用于绘图的 WebAssembly:可能已被关闭(锁定模式或策略),或版本过旧。',
  ],
  failUnloaded: [
    'A part of this page did not load: the server sent something else. Load the page anew.',
    '页面的一部分未能加载:服务器返回了其他内容。请重新加载页面。',
  ],
  failCrashed: [
    'The page died the last time this model was started here, so it is not started by itself.',
    '上次在此设备上启动该模型时页面崩溃,因此没有自动启动。',
  ],
  failStart: ['The model could not be started on this device.', '此设备无法启动该模型。'],
  failWrong: ['The model draws other pictures here than it should.', '该模型在此设备上生成的图片不正确。'],
  failLost: ['The graphics device was lost while it drew.', '绘图时图形设备已丢失。'],
  failSilent: ['The model did not answer in time.', '模型未能及时响应。'],
  failOther: ['Something unexpected happened.', '发生了意外情况。'],
} as const satisfies Record<string, readonly [string, string]>;

export type TextKey = keyof typeof TEXTS;
export type Language = 'en' | 'zh';

const SETTING = 'pocketgen.language';

function initialLanguage(): Language {
  const kept = readSetting(SETTING) ?? new URLSearchParams(globalThis.location?.search).get('language');
  if (kept === 'en' || kept === 'zh') return kept;
  return globalThis.navigator?.language?.startsWith('zh') ? 'zh' : 'en';
}

let language: Language | undefined;

export function currentLanguage(): Language {
  language ??= initialLanguage();
  return language;
}

/** Loads the page anew: every text is on it once, written when it is made. */
export function changeLanguage(next: Language): void {
  if (writeSetting(SETTING, next)) location.reload();
  else location.search = `?language=${next}`; // where nothing is kept
}

export type Translate<K extends string> = (key: K, values?: Record<string, string | number>) => string;

/** What is loaded later brings words of its own. */
export function wordsOf<K extends string>(
  table: Readonly<Record<K, readonly [english: string, chinese: string]>>,
): Translate<K> {
  return (key, values = {}) =>
    table[key][currentLanguage() === 'zh' ? 1 : 0].replace(/\{(\w+)\}/g, (whole, name: string) =>
      String(values[name] ?? whole),
    );
}

export const t = wordsOf(TEXTS);
