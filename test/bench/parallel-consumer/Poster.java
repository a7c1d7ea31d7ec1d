import io.confluent.parallelconsumer.ParallelConsumerOptions;
import io.confluent.parallelconsumer.ParallelConsumerOptions.CommitMode;
import io.confluent.parallelconsumer.ParallelConsumerOptions.ProcessingOrder;
import io.confluent.parallelconsumer.ParallelStreamProcessor;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * What a team would write with Confluent's parallel consumer: each message's value is the body, posted with a token and an
 * upload_time, in the order of its key. It says each answer's time and payment, and keeps nothing.
 */
public final class Poster {
  private static final DateTimeFormatter RFC3339 = DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSXXX");

  public static void main(String[] args) throws Exception {
    String brokers = args[0];
    String topic = args[1];
    String url = args[2];
    String path = args[3];
    int concurrency = Integer.parseInt(args[4]);
    HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(Duration.ofSeconds(5)).build();
    String token = tokenOf(http, url);
    URI upload = URI.create(url + path + "?access_token=" + token);
    PrintStream answers = new PrintStream(System.out, false);

    Properties settings = new Properties();
    settings.put("bootstrap.servers", brokers);
    settings.put("group.id", "parallel-consumer");
    settings.put("auto.offset.reset", "earliest");
    settings.put("enable.auto.commit", "false");
    settings.put("key.deserializer", StringDeserializer.class.getName());
    settings.put("value.deserializer", StringDeserializer.class.getName());
    ParallelStreamProcessor<String, String> processor =
        ParallelStreamProcessor.createEosStreamProcessor(
            ParallelConsumerOptions.<String, String>builder()
                .consumer(new KafkaConsumer<>(settings))
                .ordering(ProcessingOrder.KEY)
                .commitMode(CommitMode.PERIODIC_CONSUMER_ASYNCHRONOUS)
                .maxConcurrency(concurrency)
                .build());
    processor.subscribe(List.of(topic));
    processor.poll(
        context -> {
          String value = context.value();
          String body =
              value.substring(0, value.length() - 1)
                  + ",\"upload_time\":\""
                  + RFC3339.format(OffsetDateTime.now(ZoneOffset.ofHours(8)))
                  + "\"}";
          HttpRequest request =
              HttpRequest.newBuilder(upload)
                  .timeout(Duration.ofSeconds(10))
                  .header("content-type", "application/json")
                  .POST(HttpRequest.BodyPublishers.ofString(body))
                  .build();
          long startedNs = System.nanoTime();
          try {
            String answer = http.send(request, HttpResponse.BodyHandlers.ofString()).body();
            if (!answer.contains("\"errcode\":0")) throw new IllegalStateException(answer);
          } catch (java.io.IOException | InterruptedException error) {
            throw new IllegalStateException(error);
          }
          long tookMs = (System.nanoTime() - startedNs) / 1_000_000;
          synchronized (answers) {
            answers.print(System.currentTimeMillis() + " " + tookMs + " " + context.key() + "\n");
          }
        });
    System.err.println("ready");
    for (;;) {
      Thread.sleep(100);
      synchronized (answers) {
        answers.flush();
      }
    }
  }

  private static String tokenOf(HttpClient http, String url) throws Exception {
    String body = "{\"grant_type\":\"client_credential\",\"appid\":\"wx0123456789abcdef\",\"secret\":\"secret\"}";
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(url + "/cgi-bin/stable_token"))
            .header("content-type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
    String answer = http.send(request, HttpResponse.BodyHandlers.ofString()).body();
    int from = answer.indexOf("\"access_token\":\"") + 16;
    return answer.substring(from, answer.indexOf('"', from));
  }
}
