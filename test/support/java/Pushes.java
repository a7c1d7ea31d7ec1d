import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import me.chanjar.weixin.common.util.crypto.WxCryptUtil;

/**
 * Wraps and opens pushes with WxJava. Each line of stdin is `wrap TAB token TAB key TAB appid TAB message in base64`, or
 * `open TAB token TAB key TAB appid TAB msg_signature TAB timestamp TAB nonce TAB Encrypt`; each line of stdout answers one:
 * `msg_signature TAB timestamp TAB nonce TAB Encrypt`, or the message in base64, or `refused`.
 */
public class Pushes {
  public static void main(String[] args) throws Exception {
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) out.println(answer(line.split("\t")));
    out.flush();
  }

  static String answer(String[] asked) {
    WxCryptUtil crypt = new WxCryptUtil(asked[1], asked[2], asked[3]);
    if (asked[0].equals("wrap")) {
      String message = asked.length < 5 ? "" : new String(Base64.getDecoder().decode(asked[4]), StandardCharsets.UTF_8);
      WxCryptUtil.EncryptContext wrapped = crypt.encryptContext(message);
      return String.join("\t", wrapped.getSignature(), wrapped.getTimeStamp(), wrapped.getNonce(), wrapped.getEncrypt());
    }
    try {
      String text = crypt.decryptContent(asked[4], asked[5], asked[6], asked[7]);
      return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    } catch (RuntimeException refused) {
      return "refused";
    }
  }
}
