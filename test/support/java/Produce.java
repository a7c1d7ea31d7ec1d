import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Sends as a Java service does. Each line of stdin is `topic TAB codec TAB mode TAB headers TAB key TAB value`: lines of one
 * topic, codec and mode after one another go out together. Modes: plain, committed, aborted. Headers: none, null.
 */
public class Produce {
  record Line(String topic, String codec, String mode, String headers, String key, String value) {}

  public static void main(String[] args) throws Exception {
    List<Line> group = new ArrayList<>();
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String text = in.readLine(); text != null; text = in.readLine()) {
      String[] parts = text.split("\t", 6);
      Line line = new Line(parts[0], parts[1], parts[2], parts[3], parts[4], parts[5]);
      if (!group.isEmpty() && !isTogether(group.get(0), line)) flush(args[0], group);
      group.add(line);
    }
    if (!group.isEmpty()) flush(args[0], group);
  }

  static boolean isTogether(Line a, Line b) {
    return a.topic.equals(b.topic) && a.codec.equals(b.codec) && a.mode.equals(b.mode);
  }

  static void flush(String brokers, List<Line> lines) {
    Line first = lines.get(0);
    boolean inTransaction = !first.mode.equals("plain");
    Map<String, Object> settings = new java.util.HashMap<>(Map.of(
        "bootstrap.servers", brokers, "compression.type", first.codec, "linger.ms", 50, "acks", "all"));
    if (inTransaction) settings.put("transactional.id", first.topic + first.codec + first.mode);
    try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
      if (inTransaction) {
        producer.initTransactions();
        producer.beginTransaction();
      }
      for (Line line : lines) producer.send(recordOf(line));
      producer.flush();
      if (first.mode.equals("committed")) producer.commitTransaction();
      if (first.mode.equals("aborted")) producer.abortTransaction();
    }
    lines.clear();
  }

  static ProducerRecord<String, String> recordOf(Line line) {
    var record = new ProducerRecord<>(line.topic, line.key, line.value);
    record.headers().add("content-type", "application/cloudevents+json".getBytes(StandardCharsets.UTF_8));
    if (line.headers.equals("null")) {
      record.headers().add("ce_subject", null);
      record.headers().add("trace", new byte[] {0, (byte) 0xff});
      record.headers().add("trace", null);
    }
    return record;
  }
}
