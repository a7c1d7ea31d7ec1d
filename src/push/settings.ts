import { secret, setting, shaped, text, whole, type Values } from '../setting.ts';

/** As WeChat's console shows it. */
export const encodingAesKeyShape = /^[0-9A-Za-z+/]{43}$/;
export const encodingAesKeyRule = 'must be an EncodingAESKey: 43 letters, digits, + or /';
const encodingAesKey = () => shaped(encodingAesKeyShape, encodingAesKeyRule);

export const pushSettings = {
  token: secret(
    'WECHAT_PUSH_TOKEN',
    text(),
    'The Token of the message push of WECHAT_APPID; unset receives none.',
    ['WECHAT_TOKEN'],
  ),
  aesKey: secret(
    'WECHAT_PUSH_AES_KEY',
    encodingAesKey(),
    'Its EncodingAESKey: what is not encrypted is refused then; unset is plain mode.',
    ['WECHAT_AES_KEY', 'WECHAT_ENCODING_AES_KEY'],
  ),
  previousToken: secret(
    'WECHAT_PUSH_PREVIOUS_TOKEN',
    text(),
    'The Token of before, taken beside the present one while it is changed in the console.',
  ),
  previousAesKey: secret(
    'WECHAT_PUSH_PREVIOUS_AES_KEY',
    encodingAesKey(),
    'The EncodingAESKey of before, taken beside the present one.',
  ),
  componentAppid: setting(
    'WECHAT_PUSH_COMPONENT_APPID',
    text(),
    'The appid of the third-party platform that receives the pushes, with its own token and key; unset is WECHAT_APPID.',
    ['WECHAT_COMPONENT_APPID'],
  ),
  toleranceS: setting(
    'FAHUO_PUSH_TOLERANCE_S',
    whole(300, 0, 86_400),
    'Seconds that the timestamp of a push may be off our clock; 0 does not look at it.',
  ),
};

export type PushSettings = Values<typeof pushSettings>;
