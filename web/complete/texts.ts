// The words of rubbing out, English and Chinese side by side: they are loaded with it.
import { wordsOf } from '../texts.ts';

export const words = wordsOf({
  help: [
    'Rub out a part: the model draws it anew, in eight ways. The rest stays as it is. Nothing leaves this device.',
    '擦掉一部分,模型会用八种方式重新画出。其余保持不变。一切都只在此设备上进行。',
  ],
  pad: [
    'The picture. Rub out here; with keys, space puts the eraser down and up, arrow keys move it.',
    '图片。在此擦除;键盘操作:空格键放下和抬起橡皮,方向键移动。',
  ],
  eraserDown: ['Eraser down', '放下橡皮'],
  eraserUp: ['Eraser up', '抬起橡皮'],
  mode: ['What a stroke does', '笔画的作用'],
  erase: ['Rub out', '擦除'],
  restore: ['Bring back', '恢复'],
  undo: ['Undo', '撤销'],
  clear: ['Bring all back', '全部恢复'],
  widths: ['Eraser', '橡皮'],
  halves: ['Rub out a half', '擦除一半'],
  upper: ['Upper half', '上半部分'],
  lower: ['Lower half', '下半部分'],
  left: ['Left half', '左半部分'],
  right: ['Right half', '右半部分'],
  what: ['What it is', '这是什么'],
  untold: ['As the rest suggests', '由其余部分决定'],
  getting: ['Getting what completes, {mb} MB', '正在获取补画网络,{mb} MB'],
  begin: ['Rub out a part with a finger, the mouse or keys.', '用手指、鼠标或键盘擦掉一部分。'],
  choose: ['Tap one to see it large, to keep it or to save it.', '点按一张可放大查看、收藏或保存。'],
  completions: ['Completions', '补画结果'],
  one: ['Completion by seed {seed}', '种子 {seed} 的补画'],
  more: ['{n} more', '再来 {n} 张'],
  goOn: ['Go on from this one', '从这张继续'],
  back: ['The model’s picture', '模型的图片'],
  own: ['A picture of your own', '你自己的图片'],
  again: ['Try again', '重试'],
});
